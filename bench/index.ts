/**
 * Bench: how fast the costly parts are, against rivals in the same run. Each folder answers one
 * question; its README says which, on what machine, with what result, and what the number does not say.
 *
 *     npm run bench -- seal --json
 */
import { decide } from './decide/bench.ts'
import { log } from './log/bench.ts'
import type { Bench } from './measure.ts'
import { rotate } from './rotate/bench.ts'
import { seal } from './seal/bench.ts'
import { start } from './start/bench.ts'
import { store } from './store/bench.ts'
import { verify } from './verify/bench.ts'

export { type Bench, type BenchResult } from './measure.ts'

export const BENCHES: Readonly<Record<string, Bench>> = { seal, log, store, verify, rotate, start, decide }
