// node script/count-tests.mjs REPORT NAME FAILURES
// Prints how many tests passed, failed and were skipped, by vitest's JSON report. What failed is added to the file
// FAILURES: the test, and the beginning of its error.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const MAX_ERROR_CHARACTERS = 1500

const [reportPath, name, failuresPath] = process.argv.slice(2)
const report = existsSync(reportPath) ? JSON.parse(readFileSync(reportPath, 'utf8')) : {}
const { numPassedTests = 0, numPendingTests = 0, numTodoTests = 0, testResults = [] } = report

const failures = testResults.flatMap(({ name: file, status, message, assertionResults }) => {
  const tests = assertionResults
    .filter((test) => test.status === 'failed')
    .map((test) => ({ file, title: test.fullName, error: test.failureMessages.join('\n') }))
  // a file may fail outside of its tests
  return tests.length === 0 && status === 'failed'
    ? [{ file, title: '(outside of its tests)', error: message }]
    : tests
})
for (const { file, title, error } of failures) {
  const where = path.relative(process.cwd(), file)
  appendFileSync(
    failuresPath,
    `${name}: ${where}: ${title}\n${error.slice(0, MAX_ERROR_CHARACTERS)}\n\n`,
  )
}
console.log(numPassedTests, failures.length, numPendingTests + numTodoTests)
