import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { createAuthority } from '../support/certificates.ts'
import { writeFile } from '../support/folder.ts'

const problemsOf = (settings: Record<string, string>) => readConfig(settings).problems

describe('a certificate', () => {
  test('with its key is taken', () => {
    const { cert, key } = createAuthority().issue('hub')
    const files = { PIAZZA_TLS_CERT_FILE: cert, PIAZZA_TLS_KEY_FILE: key }
    const { config, problems } = readConfig(files)
    expect(problems).toEqual([])
    expect(config?.PIAZZA_TLS_CERT_FILE).toEqual({ path: cert, pem: readFileSync(cert, 'utf8') })
  })

  test('without its key is refused, and the key without it', () => {
    const { cert, key } = createAuthority().issue('hub')
    expect(problemsOf({ PIAZZA_TLS_CERT_FILE: cert })).toEqual([
      expect.stringMatching(/^PIAZZA_TLS_CERT_FILE: it needs PIAZZA_TLS_KEY_FILE too/),
    ])
    expect(problemsOf({ PIAZZA_TLS_KEY_FILE: key })).toEqual([
      expect.stringMatching(/^PIAZZA_TLS_KEY_FILE: it needs PIAZZA_TLS_CERT_FILE too/),
    ])
  })

  test('with another key is refused', () => {
    const authority = createAuthority()
    const [{ cert }, { key }] = [authority.issue('one'), authority.issue('other')]
    expect(problemsOf({ PIAZZA_TLS_CERT_FILE: cert, PIAZZA_TLS_KEY_FILE: key })).toEqual([
      expect.stringMatching(/^PIAZZA_TLS_CERT_FILE: the key is not that of the certificate; /),
    ])
  })

  test('in the place of the key, and the key in its place, are refused', () => {
    const { cert, key } = createAuthority().issue('hub')
    const [problem, ...more] = problemsOf({ PIAZZA_TLS_CERT_FILE: key, PIAZZA_TLS_KEY_FILE: cert })
    expect(problem).toMatch(/^PIAZZA_TLS_CERT_FILE: the certificate can't be used/)
    expect(more).toEqual([])
  })

  test.each([
    ['that is not there', () => '/nowhere/tls.crt', /ENOENT/],
    ['that is a folder', () => '/', /EISDIR/],
    ['that is no PEM file', () => writeFile('hello'), /is not a PEM file/],
  ])('file %s is refused, with its path and the reason', (_what, make, reason) => {
    const { key } = createAuthority().issue('hub')
    const path = make()
    const problems = problemsOf({ PIAZZA_TLS_CERT_FILE: path, PIAZZA_TLS_KEY_FILE: key })
    expect(problems).toEqual([expect.stringMatching(reason)])
    expect(problems[0]).toContain(`PIAZZA_TLS_CERT_FILE: ${JSON.stringify(path)} is not valid`)
  })
})

describe('an internal port', () => {
  test.each([{ PIAZZA_INTERNAL_PORT: '9090' }, { PIAZZA_INTERNAL_PORT: '0', PIAZZA_PORT: '0' }])(
    'such as %j is taken',
    (settings) => {
      expect(problemsOf(settings)).toEqual([])
    },
  )

  test.each([
    { PIAZZA_INTERNAL_PORT: '8080' },
    { PIAZZA_INTERNAL_PORT: '9090', PIAZZA_PORT: '9090', PIAZZA_INTERNAL_HOST: '127.0.0.2' },
  ])('that is the public one is refused: %j', (settings) => {
    expect(problemsOf(settings)).toEqual([
      expect.stringMatching(/^PIAZZA_INTERNAL_PORT: it is the public port \(PIAZZA_PORT, \d+\)/),
    ])
  })

  test.each(['-1', '65536', 'x'])('%s is none', (port) => {
    expect(problemsOf({ PIAZZA_INTERNAL_PORT: port })).toEqual([
      expect.stringMatching(/^PIAZZA_INTERNAL_PORT: .* a whole number from 0 to 65535/),
    ])
  })

  test('of a Service of Kubernetes is not taken for one', () => {
    const { problems, warnings } = readConfig({ PIAZZA_INTERNAL_PORT: 'tcp://10.0.0.1:9090' })
    expect(problems).toEqual([])
    expect(warnings).toHaveLength(1)
  })

  test('is needed by what is said about it', () => {
    const settings = { PIAZZA_INTERNAL_HOST: '127.0.0.2', PIAZZA_INTERNAL_TLS: 'off' }
    expect(problemsOf(settings)).toEqual([
      expect.stringMatching(/^PIAZZA_INTERNAL_HOST: it says nothing without PIAZZA_INTERNAL_PORT/),
      expect.stringMatching(/^PIAZZA_INTERNAL_TLS: it says nothing without PIAZZA_INTERNAL_PORT/),
    ])
  })

  test('has no TLS to leave out where there is none', () => {
    const settings = { PIAZZA_INTERNAL_PORT: '9090', PIAZZA_INTERNAL_TLS: 'off' }
    expect(problemsOf(settings)).toEqual([
      expect.stringMatching(/^PIAZZA_INTERNAL_TLS: it says nothing without PIAZZA_TLS_CERT_FILE/),
    ])
  })

  test('of an address that others reach is refused without access, by its name', () => {
    const open = { PIAZZA_INTERNAL_PORT: '9090', PIAZZA_INTERNAL_HOST: '0.0.0.0' }
    expect(problemsOf(open)).toEqual([
      expect.stringMatching(/^PIAZZA_INTERNAL_HOST: without access configured .* not 0\.0\.0\.0/),
    ])
    const key = { PIAZZA_PUBLISH_KEYS: 'a-key-of-24-characters-x' }
    expect(problemsOf({ ...open, ...key })).toEqual([])
  })
})
