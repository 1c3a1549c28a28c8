const FIXED_SEED = 20_261_126

/** `FUZZ_SEED`, or always the same; `random` takes one by chance. Says how to draw the same again. */
export function drawSeed(name: string): number {
  const given = process.env['FUZZ_SEED'] ?? FIXED_SEED
  const seed = given === 'random' ? Math.floor(Math.random() * 2 ** 30) : Number(given)
  console.log(`FUZZ_SEED=${seed} npx vitest run test/fuzz/${name}.test.ts draws the same`)
  return seed
}
