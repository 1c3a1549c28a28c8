// node script/count-tests.mjs NAME FAILURES REPORT [REPORT]
// Prints how many tests passed, failed and were skipped, by vitest's JSON reports; files of a second one count in the
// place of the same files of the first. What failed is added to the file FAILURES: the test, and the beginning of its
// error; also what only the first report has. With --files instead of NAME and FAILURES: prints the files that failed.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const MAX_ERROR_CHARACTERS = 1500

/** By path of the file. */
function read(report) {
  const { testResults } = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { testResults: [] }
  return new Map(testResults.map((result) => [path.relative(process.cwd(), result.name), result]))
}

/** Of one file, which may fail outside of its tests. */
function failuresOf([file, { status, message, assertionResults }]) {
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0 && status === 'failed') return [{ file, title: '', error: message }]
  return failed.map(({ fullName, failureMessages }) => ({
    file,
    title: fullName,
    error: failureMessages.join('\n'),
  }))
}

function tell(failuresPath, name, failures) {
  for (const { file, title, error } of failures) {
    const text = `${name}: ${file}: ${title}\n${error.slice(0, MAX_ERROR_CHARACTERS)}\n\n`
    appendFileSync(failuresPath, text)
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--files') {
  for (const [file, { status }] of read(rest[0])) if (status === 'failed') console.log(file)
} else {
  const [failuresPath, ...reports] = rest
  const [original, again = new Map()] = reports.map(read)
  const files = new Map([...original, ...again])
  const failures = [...files].flatMap(failuresOf)
  const onlyOnce = [...again].flatMap(([file]) => failuresOf([file, original.get(file)]))
  tell(failuresPath, `${first}, at the first run`, onlyOnce)
  tell(failuresPath, again.size > 0 ? `${first}, AGAIN` : first, failures)
  const tests = [...files.values()].flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length
  console.log(passed, failures.length, skipped)
}
