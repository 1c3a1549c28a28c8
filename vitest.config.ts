import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // script/test runs them where it can, and says so where it can't
    exclude: [
      ...(process.env['TEST_DOCKER'] ? [] : ['test/docker/**']),
      ...(process.env['TEST_COMPOSE'] ? [] : ['test/docker/compose*.test.ts']),
      ...(process.env['TEST_HELM'] ? [] : ['test/helm/**']),
      ...(process.env['TEST_PROMTOOL'] ? [] : ['test/ops/alerts.test.ts']),
      ...(process.env['TEST_ATTACK'] ? [] : ['test/attack/**', 'test/speed/**']), // need the machine for themselves
      ...(process.env['TEST_NETWORK'] ? [] : ['test/network/**']),
      // take 7 and 2 minutes
      ...(process.env['TEST_SILENCE']
        ? []
        : ['test/e2e/clients/silence-of-all.test.ts', 'test/proxies/two-minutes.test.ts']),
    ],
    setupFiles: ['test/support/run-record.mjs'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Streams, timers and sockets: files in processes of their own, two at a time.
    pool: 'forks',
    maxWorkers: 2,
  },
})
