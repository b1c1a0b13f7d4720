import { bundlesOf, TILE_WIDTH } from '../verify/index.ts'
import type { LogFolder } from './folder.ts'
import { readBundle } from './published.ts'

/**
 * Where the leaves of a log stand. The leaves must be hashes. The first question reads the log once,
 * later ones only what is new.
 * LIMIT: 16 to 32 bytes of memory a leaf, for as long as the process runs.
 */
export interface LeafIndex {
  /**
   * Places below `size` where the leaf may stand, the newest first: those where it stands, and once in
   * many million leaves another. @throws LogError `ERR_LOG_TAMPERED`
   */
  find(leaf: Uint8Array, size: number): Promise<number[]>
}

/** An open-addressed table: a leaf's first four bytes are its mark, and choose its slot. */
interface Slots {
  readonly marks: Uint32Array
  /** The leaf's place and one; 0 where the slot is free. */
  readonly places: Uint32Array
}

const LEAST_SLOTS = 1_024

export function createLeafIndex(folder: LogFolder): LeafIndex {
  let slots = emptySlots(LEAST_SLOTS)
  let held = 0
  let reading: Promise<void> = Promise.resolve()
  const readTo = async (size: number): Promise<void> => {
    if (size <= held) return
    for (const bundle of bundlesOf(size).slice(Math.floor(held / TILE_WIDTH))) {
      const leaves = await readBundle(folder, bundle)
      for (const leaf of leaves.slice(held - bundle.index * TILE_WIDTH)) {
        if (2 * held >= slots.places.length) slots = doubled(slots)
        insert(slots, markOf(leaf), ++held)
      }
    }
  }
  return {
    async find(leaf, size) {
      const turn = reading.then(() => readTo(size))
      reading = turn.catch(() => {})
      await turn
      return placesOf(slots, markOf(leaf)).filter((place) => place < size)
    },
  }
}

function markOf(leaf: Uint8Array): number {
  return new DataView(leaf.buffer, leaf.byteOffset).getUint32(0)
}

function emptySlots(count: number): Slots {
  return { marks: new Uint32Array(count), places: new Uint32Array(count) }
}

function insert({ marks, places }: Slots, mark: number, placeAndOne: number): void {
  let slot = mark % places.length
  while (places[slot] !== 0) slot = (slot + 1) % places.length
  marks[slot] = mark
  places[slot] = placeAndOne
}

function doubled({ marks, places }: Slots): Slots {
  const larger = emptySlots(places.length * 2)
  for (const [slot, place] of places.entries()) if (place !== 0) insert(larger, marks[slot]!, place)
  return larger
}

function placesOf({ marks, places }: Slots, mark: number): number[] {
  const found: number[] = []
  for (let slot = mark % places.length; places[slot] !== 0; slot = (slot + 1) % places.length)
    if (marks[slot] === mark) found.push(places[slot]! - 1)
  return found.toSorted((a, b) => b - a)
}
