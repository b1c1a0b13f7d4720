import { canonicalBytes, createId, utf8 } from '../../kernel/index.ts'
import type { Clock } from '../../kernel/index.ts'
import {
  bundlesOf,
  createHashTree,
  createVerifierKey,
  deriveStandings,
  formatBundle,
  formatCheckpoint,
  formatTlogProof,
  formatVerifierKey,
  hashLeaf,
  makeInclusionProof,
  signNote,
  TILE_WIDTH,
  tilePath,
} from '../../verify/index.ts'
import type { EvidenceBody, EvidenceEntry } from '../../verify/index.ts'
import type { EvidenceReader } from '../evidence-source.ts'

/** A signed log in memory, for tests: real hashes, signatures and proofs, nothing on disk. */
export interface MemoryEvidence extends EvidenceReader {
  readonly vkey: string
  /** Appends at the clock's time and publishes a checkpoint. */
  append(...bodies: EvidenceBody[]): Promise<void>
}

/** A new log named `<origin>/evidence`, with a key of its own. */
export async function createMemoryEvidence(origin: string, clock: Clock): Promise<MemoryEvidence> {
  const name = `${origin}/evidence`
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const key = createVerifierKey(name, new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, new Uint8Array(bytes)))
  const tree = createHashTree()
  const entries: EvidenceEntry[] = []
  const files = new Map<string, Uint8Array>()
  let checkpoint = ''

  async function publish(): Promise<void> {
    for (const tile of bundlesOf(tree.size)) {
      const from = tile.index * TILE_WIDTH
      files.set(tilePath(tile), formatBundle(entries.slice(from, from + tile.width).map(canonicalBytes)))
    }
    const text = formatCheckpoint({ origin: name, size: tree.size, rootHash: tree.root() })
    checkpoint = await signNote(text, { key, sign })
    files.set('checkpoint', utf8(checkpoint))
  }

  return {
    vkey: formatVerifierKey(key),
    async append(...bodies) {
      for (const body of bodies) {
        const at = new Date(clock.now()).toISOString()
        const entry: EvidenceEntry = { ...body, v: 1, id: createId(clock), at }
        entries.push(entry)
        tree.append(hashLeaf(canonicalBytes(entry)))
      }
      await publish()
    },
    read: async (path) => files.get(path) ?? null,
    entries: async () => entries,
    standings: async (now) => deriveStandings(entries, now),
    async proof(index) {
      if (index >= tree.size) return null
      const path = await makeInclusionProof(index, tree.size, (level, at) => tree.read(level, at))
      return formatTlogProof({ index, path, checkpoint })
    },
  }
}
