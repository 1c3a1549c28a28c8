#!/usr/bin/env node
// The first process of a container gets no signal that it has no handler for, and loading everything takes a second:
// whoever stopped the hub in that time would wait until it is killed.
const stopBeforeStart = () => process.exit(0)
process.on('SIGTERM', stopBeforeStart).on('SIGINT', stopBeforeStart)
await import('./command-line.ts')
