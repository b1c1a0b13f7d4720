import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openDatabase, silentLogger, type Database } from '../../database/index.ts'
import { fromUtf8, systemClock } from '../../kernel/index.ts'
import type { NoteSigner } from '../../verify/index.ts'
import { openLogSigner } from '../index.ts'

export interface ForEverOptions {
  /** Data folder of the running server, and the system's name in it. */
  readonly dataDir: string
  readonly name: string
  readonly folder: string
  readonly keyFile: string
  readonly origin: string
  /** Where the keys of bodies lie. */
  readonly providerFolder: string
}

/** What a process that runs until it is killed was told. */
export function readOptions(): ForEverOptions {
  return JSON.parse(process.env['FOR_EVER'] ?? '{}') as ForEverOptions
}

/** The database of the running server. */
export function attach({ dataDir, name }: ForEverOptions): Promise<Database> {
  // Whoever is killed keeps nothing of what it compiled.
  flushCompileCache()
  return openDatabase({ dataDir, name, attach: true, clock: systemClock, logger: silentLogger })
}

/** The log's signer, which says `sign <size> <root>` on stdout, unbuffered, before it signs a tree. */
export async function openTellingSigner({ keyFile, origin }: ForEverOptions): Promise<NoteSigner> {
  const inner = await openLogSigner(keyFile, origin)
  return {
    key: inner.key,
    async sign(bytes) {
      const [, size, root] = fromUtf8(bytes).split('\n')
      if (root) writeSync(1, `sign ${size} ${root}\n`)
      return inner.sign(bytes)
    },
  }
}

/** Says on stdout, unbuffered, what must not be lost from now on. */
export function acknowledge(ids: readonly string[]): void {
  for (const id of ids) writeSync(1, `ack ${id}\n`)
}
