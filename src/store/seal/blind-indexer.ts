import type { Connection } from '../../database/index.ts'
import { blindIndex, type BlindIndex, type KeyTree } from '../../keys/index.ts'

/** Makes blind indexes of values. */
export type BlindIndexer = (index: BlindIndex, value: string | number) => Promise<Buffer>

/** Blind indexes for one statement: each key is asked for once, as its row cannot change under a statement's eyes. */
export function createBlindIndexer(connection: Connection, keys: KeyTree): BlindIndexer {
  const opened = new Map<string, ReturnType<KeyTree['blindIndexKey']>>()
  return async (index, value) => {
    const name = `${index.resource}/${index.field}/${index.tenant ?? ''}`
    const key = opened.get(name) ?? keys.blindIndexKey(connection, index)
    opened.set(name, key)
    return blindIndex(await key, value)
  }
}
