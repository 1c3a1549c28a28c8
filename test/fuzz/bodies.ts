import * as fc from 'fast-check'

/** A body as it stands on the wire, and the headers that tell its length. */
export interface Framed {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly bytes: Buffer
  /** Also where the method takes none. */
  readonly isForced: boolean
}

const field = fc.oneof(
  fc.tuple(
    fc.constant('channel'),
    fc.constantFrom<unknown>('a', 'b', 'ended', 'a..b', '', 1, null),
  ),
  fc.tuple(
    fc.constant('channels'),
    fc.constantFrom<unknown>(['a', 'b'], [], ['a', 'a'], [1], 'a', Array(101).fill('a')),
  ),
  fc.tuple(fc.constant('data'), fc.jsonValue({ maxDepth: 3 })),
  fc.tuple(fc.constant('data'), fc.string({ unit: 'binary', maxLength: 40 })),
  fc.tuple(fc.constant('event'), fc.constantFrom<unknown>('x', 'error', 'piazza.open', 'a\nb', 1)),
  fc.tuple(fc.constant('retry'), fc.constantFrom<unknown>(100, 99, 2 ** 31, 1.5, '1', -0)),
  fc.tuple(
    fc.constant('idempotencyKey'),
    fc.constantFrom<unknown>('k', 'l', '', 'k'.repeat(201), 1),
  ),
  fc.tuple(fc.constant('ephemeral'), fc.constantFrom<unknown>(true, false, 'true', null)),
  fc.tuple(fc.constant('end'), fc.constantFrom<unknown>(false, 'true', 0)),
  fc.tuple(fc.string({ maxLength: 6 }), fc.constant<unknown>(1)),
)

/** Often a good publication; a key that comes twice stands twice. */
const publication = fc
  .tuple(fc.boolean(), fc.array(field, { maxLength: 4 }))
  .map(([isComplete, fields]) => {
    const first = isComplete ? [['channel', 'a'] as const, ['data', 'x'] as const] : []
    const rows = [...first, ...fields].map(
      ([name, of]) => `${JSON.stringify(name)}:${JSON.stringify(of)}`,
    )
    return `{${rows.join(',')}}`
  })

const bombs = (depth: number) =>
  fc.constantFrom(
    `{"channel":"a","data":${'['.repeat(depth)}${']'.repeat(depth)}}`,
    '['.repeat(20_000),
    `{"channel":"a","data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
    `{"channel":"a","data":1${'0'.repeat(400)}}`,
    '{"channel":"a","data":12345678901234567890}',
    `{"channel":"a","data":"${'x'.repeat(20_000)}"}`,
    `[${Array.from({ length: 1001 }, () => '{"channel":"a","data":1}').join()}]`,
    `{${Array.from({ length: 3000 }, (_, i) => `"k${i}":1`).join()}}`,
    '{"channel":"a","data":{"__proto__":{"a":1}},"__proto__":1}',
    '{"channel":"a","data":"\\ud800"}',
    'x'.repeat(70_000),
  )

/** `depth`: of nesting that is too deep. */
export function body(depth: number): fc.Arbitrary<Buffer> {
  const text = fc.oneof(
    { weight: 6, arbitrary: publication },
    {
      weight: 2,
      arbitrary: fc.array(publication, { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    },
    { weight: 1, arbitrary: bombs(depth) },
    { weight: 1, arbitrary: fc.constantFrom('', '{', 'null', '"a"', '\uFEFF{}', '{}x', '[]') },
  )
  return fc.oneof(
    { weight: 8, arbitrary: text.map((of) => Buffer.from(of)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((of) => Buffer.from(of)) },
  )
}

function chunks(of: Buffer, sizes: readonly number[], extension: string, end: string): Buffer {
  const parts: Buffer[] = []
  for (let at = 0, i = 0; at < of.length; i += 1) {
    const size = sizes[i % sizes.length] ?? of.length
    const part = of.subarray(at, at + size)
    parts.push(
      Buffer.from(`${part.length.toString(16)}${extension}\r\n`, 'latin1'),
      part,
      Buffer.from('\r\n'),
    )
    at += size
  }
  return Buffer.concat([...parts, Buffer.from(end, 'latin1')])
}

/** How its length is told: rightly, wrongly, twice, or not at all. */
export function framing(of: fc.Arbitrary<Buffer>): fc.Arbitrary<Framed> {
  const length = of.map((bytes) => ({
    bytes,
    headers: [['Content-Length', `${bytes.length}`] as const],
  }))
  const wrong = fc
    .tuple(
      of,
      fc.constantFrom(
        '0',
        '1',
        '5, 5',
        '+5',
        '-1',
        '0x5',
        '5 ',
        ' 5',
        '5;',
        '1e3',
        '',
        '9'.repeat(30),
      ),
    )
    .map(([bytes, said]) => ({ bytes, headers: [['Content-Length', said] as const] }))
  const chunked = fc
    .record({
      bytes: of,
      sizes: fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 4 }),
      extension: fc.constantFrom(
        '',
        '',
        '',
        ';a=b',
        ';a="b;c"',
        ' ',
        '\n',
        `;${'x'.repeat(20_000)}`,
        '0',
        'g',
      ),
      end: fc.constantFrom(
        '0\r\n\r\n',
        '0\r\n\r\n',
        '',
        '0\r\n',
        '0\r\nX: y\r\n\r\n',
        '0\n\n',
        '-1\r\n',
        `${'f'.repeat(17)}\r\n`,
        '00000\r\n\r\n',
        '0\r\nContent-Length: 3\r\nHost: a\r\n\r\n',
      ),
      name: fc.constantFrom(
        'Transfer-Encoding',
        'Transfer-Encoding',
        'Transfer-Encoding',
        'Transfer-Encoding ',
        'transfer_encoding',
      ),
      said: fc.constantFrom(
        'chunked',
        'chunked',
        'chunked',
        'CHUNKED',
        'gzip, chunked',
        'chunked, identity',
        'xchunked',
        'chunked\t',
        '\vchunked',
        'identity',
        '',
      ),
      more: fc.constantFrom<readonly (readonly [string, string])[]>(
        [],
        [],
        [],
        [['Content-Length', '5']],
        [['Transfer-Encoding', 'chunked']],
      ),
    })
    .map(({ bytes, sizes, extension, end, name, said, more }) => ({
      bytes: chunks(bytes, sizes, extension, end),
      headers: [[name, said] as const, ...more],
    }))
  const framed = fc.oneof(
    { weight: 6, arbitrary: length },
    { weight: 1, arbitrary: wrong },
    { weight: 3, arbitrary: chunked },
    { weight: 1, arbitrary: of.map((bytes) => ({ bytes, headers: [] })) },
  )
  return fc
    .tuple(framed, fc.constantFrom(true, false, false, false))
    .map(([{ bytes, headers }, isForced]) => ({ bytes, headers, isForced }))
}
