import { fromUtf8, toBase64, utf8 } from '../kernel/index.ts'
import {
  parseCheckpoint,
  parseNote,
  parseWitnessKey,
  readCosignatures,
  VerifyError,
} from '../verify/index.ts'
import type { EvidenceEntry, PromiseStanding } from '../verify/index.ts'
import type { WitnessStanding } from '../log/index.ts'
import type { EvidenceSnapshot, WitnessView } from '../page/index.ts'
import { HttpError } from './errors.ts'

/** What the pages read of the evidence log. */
export interface EvidenceReader {
  /** A published file by its tlog-tiles path (`checkpoint`, `tile/…`); null where there is none. */
  read(path: string): Promise<Uint8Array | null>
  /** All published entries, in log order. */
  entries(): Promise<readonly EvidenceEntry[]>
  /** The standings that the published entries give at `now`, Unix ms. */
  standings(now: number): Promise<readonly PromiseStanding[]>
  /** tlog-proof of one entry at the current checkpoint; null for an index outside it. */
  proof(index: number): Promise<string | null>
}

export interface EvidenceSource {
  /**
   * Checkpoint, entries, standings and proofs that belong together.
   * @throws HttpError `ERR_HTTP_EVIDENCE_MOVING` when every try met a new checkpoint
   */
  snapshot(now: number): Promise<EvidenceSnapshot>
}

/** Tries before giving up on a log that publishes while it is read. */
const TRIES = 5

/**
 * Reads snapshots. The log may publish between two reads, so a snapshot counts only if the checkpoint
 * was the same before and after. Proofs are kept for as long as their checkpoint is the newest one.
 */
export function createEvidenceSource(
  reader: EvidenceReader,
  witnesses: () => readonly WitnessStanding[] = () => [],
): EvidenceSource {
  let proofs = { checkpoint: null as string | null, byIndex: new Map<number, string>() }

  async function readCheckpoint(): Promise<string | null> {
    const bytes = await reader.read('checkpoint')
    return bytes === null ? null : fromUtf8(bytes)
  }

  async function attempt(now: number): Promise<EvidenceSnapshot | null> {
    const checkpoint = await readCheckpoint()
    const [entries, standings] = [await reader.entries(), await reader.standings(now)]
    const known = proofs.checkpoint === checkpoint ? proofs.byIndex : new Map<number, string>()
    for (const index of provenIndexes(standings)) {
      const proof = known.has(index) ? null : await reader.proof(index)
      if (proof !== null) known.set(index, proof)
    }
    if ((await readCheckpoint()) !== checkpoint) return null
    proofs = { checkpoint, byIndex: known }
    return {
      ...headOf(checkpoint),
      witnesses: await viewWitnesses(checkpoint, witnesses()),
      entries,
      standings,
      proofs: known,
    }
  }

  return {
    async snapshot(now) {
      for (let i = 0; i < TRIES; i++) {
        const snapshot = await attempt(now)
        if (snapshot) return snapshot
      }
      throw new HttpError(
        'ERR_HTTP_EVIDENCE_MOVING',
        `${TRIES} checkpoints were published while one was read`,
      )
    },
  }
}

/** Whether a witness has cosigned is read from the checkpoint that is shown, not taken on anybody's word. */
async function viewWitnesses(
  checkpoint: string | null,
  standings: readonly WitnessStanding[],
): Promise<WitnessView[]> {
  const keys = standings.map(({ vkey }) => parseWitnessKey(vkey))
  const found = checkpoint === null ? [] : await readCosignatures(utf8(checkpoint), keys).catch(nothingValid)
  return standings.map(({ name, vkey, size, problem }, i) => ({
    name,
    vkey,
    cosignedAt: found.find(({ key }) => key === keys[i])?.atMs ?? null,
    size,
    sawAnother: problem === 'conflict',
  }))
}

function nothingValid(error: unknown): [] {
  if (error instanceof VerifyError) return []
  throw error
}

function provenIndexes(standings: readonly PromiseStanding[]): number[] {
  return standings
    .filter((standing) => standing.withdrawnAt === null && standing.status !== 'unproven')
    .flatMap((standing) => standing.entryIndex ?? [])
}

function headOf(checkpoint: string | null): Pick<EvidenceSnapshot, 'checkpoint' | 'size' | 'rootHash'> {
  if (checkpoint === null) return { checkpoint, size: 0, rootHash: null }
  const { size, rootHash } = parseCheckpoint(parseNote(utf8(checkpoint)).text)
  return { checkpoint, size, rootHash: toBase64(rootHash) }
}
