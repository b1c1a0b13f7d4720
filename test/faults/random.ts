/** Numbers from 0 up to 1 that one seed always gives in the same order (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of a run: `FAULTS_SEED`, else another one each time. */
export function seedOfRun(): number {
  return Number(process.env['FAULTS_SEED'] ?? crypto.getRandomValues(new Uint32Array(1))[0])
}
