import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // script/test says so when there is no Docker engine
    exclude: process.env['TEST_DOCKER'] ? [] : ['test/docker/**'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Streams, timers and sockets: files in processes of their own, two at a time.
    pool: 'forks',
    maxWorkers: 2,
  },
})
