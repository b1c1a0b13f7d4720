/** A small seeded generator (mulberry32): the same seed gives the same cases on every machine. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
}

export function seededRandom(...seeds: readonly number[]): Random {
  let state = seeds.reduce(mix, 0x9e3779b9)
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    chance: (probability) => next() < probability,
    pick: (from) => from[below(from.length)]!,
  }
}

function mix(state: number, seed: number): number {
  const mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b) ^ Math.imul(seed + 1, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
