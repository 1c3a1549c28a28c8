/** `npm run bench` sets it, to be through in some 3 minutes: one round, short, and fewer cases. */
export const IS_QUICK = process.env.BENCH_QUICK === '1'
/** Of publishing in each measurement. */
export const SECONDS = Number(process.env.BENCH_SECONDS ?? (IS_QUICK ? 2 : 5))
/** Runs of each. */
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? (IS_QUICK ? 1 : 3))
/** Fewer streams and channels, to try the tool on a small or busy machine: the results say so. */
export const SCALE = Number(process.env.BENCH_SCALE ?? 1)

export const scaled = (count) => Math.max(1, Math.round(count * SCALE))
