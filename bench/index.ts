/**
 * Bench: how fast the costly parts are, against rivals in the same run. Each folder answers one
 * question; its README says which, on what machine, with what result, and what the number does not say.
 *
 *     npm run bench -- seal --json
 */
import type { Bench } from './measure.ts'

export { type Bench, type BenchResult } from './measure.ts'

/** Each is loaded when it runs: rivals bring a lot with them. */
export const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  seal: async () => (await import('./seal/bench.ts')).seal,
  log: async () => (await import('./log/bench.ts')).log,
  store: async () => (await import('./store/bench.ts')).store,
  verify: async () => (await import('./verify/bench.ts')).verify,
  rotate: async () => (await import('./rotate/bench.ts')).rotate,
  start: async () => (await import('./start/bench.ts')).start,
  decide: async () => (await import('./decide/bench.ts')).decide,
}
