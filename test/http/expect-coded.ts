import { STATUS_CODES } from 'node:http'
import { expect } from 'vitest'

interface CodedAnswer {
  readonly status: number
  readonly headers: Headers | Readonly<Record<string, string>>
  readonly text: string
}

/**
 * Asserts the one shape every refusal has, whoever made it; returns its code and message.
 * Softly: a table of bad input goes on, and tells all that failed.
 */
export function expectCoded(
  answer: CodedAnswer,
  status: number | readonly number[],
  what = '',
): { readonly code: string; readonly message: string } {
  const statuses: readonly number[] = typeof status === 'number' ? [status] : status
  const { text } = answer
  const label = `${what.slice(0, 100)} -> ${answer.status} ${text.slice(0, 300)}`
  expect.soft(statuses, label).toContain(answer.status)
  if (answer.status < 400) return { code: '', message: '' }
  const contentType =
    answer.headers instanceof Headers
      ? answer.headers.get('content-type')
      : answer.headers['content-type']
  expect.soft(contentType ?? 'none', label).toMatch(/^application\/json\b/)
  const body = parseObject(text)
  expect.soft(body, label).toEqual({
    statusCode: answer.status,
    code: expect.stringMatching(/^PIAZZA_ERR_[A-Z0-9_]+$/),
    error: STATUS_CODES[answer.status],
    message: expect.stringMatching(/\S/),
  })
  const { code = '', message = '' } = body
  expect.soft(message, label).not.toMatch(/\n\s+at |node_modules|\bFST_ERR/)
  return { code, message }
}

function parseObject(text: string): { code?: string; message?: string } {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
