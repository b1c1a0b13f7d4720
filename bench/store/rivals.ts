import type { Principal } from '../../src/access/index.ts'
import type { BenchDatabase } from '../log/server.ts'

/** Another library that governs rows or seals fields, on the same server. */
export interface Rival {
  readonly name: string
  readOne(i: number): Promise<void>
  insertMany(): Promise<void>
  close(): Promise<void>
}

export async function openRivals(_d: BenchDatabase, _p: Principal, _g: Principal): Promise<Rival[]> {
  return []
}
