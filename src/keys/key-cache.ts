import type { KeyObject } from 'node:crypto'

/**
 * Key objects by the exact bytes they were unwrapped from. Whoever looks a key up has just read
 * those bytes from its row, so an entry is useless once the row is gone or rewrapped: the cache
 * never outlives the row. The oldest entries are dropped first.
 */
export interface KeyCache {
  get(where: string, wrapped: Uint8Array): KeyObject | undefined
  set(where: string, wrapped: Uint8Array, key: KeyObject): void
  clear(): void
}

/** `max`: most entries; an entry takes about 500 bytes. */
export function createKeyCache(max: number): KeyCache {
  const entries = new Map<string, KeyObject>()
  return {
    get: (where, wrapped) => entries.get(nameOf(where, wrapped)),
    set(where, wrapped, key) {
      entries.set(nameOf(where, wrapped), key)
      if (entries.size > max) entries.delete(entries.keys().next().value!)
    },
    clear: () => entries.clear(),
  }
}

function nameOf(where: string, wrapped: Uint8Array): string {
  return `${where}/${Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.length).toString('latin1')}`
}
