import { equalBytes, fromBase64, toBase64 } from '../kernel/index.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { EvidenceEntry } from './entry.ts'
import { VerifyError } from './errors.ts'
import { HASH_BYTES } from './hash-bytes.ts'
import { LIMITS } from './limits.ts'
import { emptyRoot, makeConsistencyProof, verifyConsistency } from './merkle.ts'
import type { HashReader } from './merkle.ts'
import { formatVerifierKey, parseVerifierKey } from './note.ts'
import type { VerifierKey } from './note.ts'
import type { SignedCheckpoint } from './read-log.ts'
import { AUDIT_PATH, mapConcurrently } from './source.ts'
import type { Source } from './source.ts'
import { TILE_WIDTH, tileHashReader, tilePath } from './tile.ts'
import type { Tile } from './tile.ts'

/** What is known of an audit log from elsewhere than itself; plain data. */
export interface RecordedAudit {
  readonly vkey: string
  readonly size: number
  /** Base64 of the Merkle root at `size`. */
  readonly rootHash: string
}

/** A {@link RecordedAudit} with the signed checkpoint it was taken from. */
export interface SeenAudit extends RecordedAudit {
  readonly checkpoint: string
}

/** Tiles held at a time: of the right edges of some trees being compared, and of the tiles above. */
const KEPT_TILES = 64

/** The probe whose results say what the audit log was. */
const PROBE = 'monitor.audit-trail@'

/**
 * What the newest result that tells of the audit log said of it; null where none did.
 * @throws VerifyError `ERR_VERIFY_ENTRY_SHAPE` where a result tells of it in another form
 */
export function recordedAudit(entries: readonly EvidenceEntry[]): RecordedAudit | null {
  const [newest] = recordings(entries)
  return newest?.audit ?? null
}

/**
 * Everything that any result said of the audit log, each once, newest first.
 * @throws VerifyError `ERR_VERIFY_ENTRY_SHAPE` where a result tells of it in another form
 */
export function auditAnchors(entries: readonly EvidenceEntry[]): AuditAnchor[] {
  const anchors = new Map<string, AuditAnchor>()
  for (const { index, audit } of recordings(entries)) {
    const told = `${audit.size} ${audit.rootHash} ${audit.vkey}`
    if (!anchors.has(told)) anchors.set(told, { ...audit, who: `entry ${index} of the evidence log` })
  }
  return [...anchors.values()]
}

function* recordings(entries: readonly EvidenceEntry[]): Generator<{ index: number; audit: RecordedAudit }> {
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index]!
    if (entry.kind !== 'probe.result' || !entry.probe.startsWith(PROBE)) continue
    const { auditVkey: vkey, auditSize: size, auditRoot: rootHash } = entry.observed.values
    if (vkey === undefined && size === undefined && rootHash === undefined) continue
    if (!(typeof vkey === 'string' && isSize(size) && isRoot(rootHash)))
      throw new VerifyError('ERR_VERIFY_ENTRY_SHAPE', `entry ${index} names no audit log that could be read`)
    yield { index, audit: { vkey, size, rootHash } }
  }
}

export function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

export function isRoot(value: unknown): value is string {
  return typeof value === 'string' && fromBase64(value)?.length === HASH_BYTES
}

/** An earlier sight of the audit log, and whose it is. */
export interface AuditAnchor extends RecordedAudit {
  /** Such as `the last visit`. */
  readonly who: string
}

/**
 * Holds the audit log that a site serves against every earlier sight of it: signed by the same key, no
 * shorter, and beginning with the same entries, which its tiles must prove (RFC 9162 §2.1.4; C2SP
 * tlog-tiles, "Merkle Tree"): whoever forks the log cannot cover it by what is said of it later. Reads a tile
 * for each sight and a few beside, however long the log is. What the entries tell is sealed, and not looked at.
 *
 * @param evidence the key of the evidence log, `<origin>/evidence`; the audit log is `<origin>/audit`
 * @throws VerifyError `ERR_VERIFY_KEY_CHANGED`, `ERR_VERIFY_MISSING`, `ERR_VERIFY_ROLLBACK`,
 *   `ERR_VERIFY_FORK`, `ERR_VERIFY_TILE`, `ERR_VERIFY_ORIGIN`, and those of {@link openCheckpoint}
 */
export async function checkAuditLog(
  source: Source,
  evidence: VerifierKey,
  anchors: readonly [AuditAnchor, ...AuditAnchor[]],
): Promise<SeenAudit> {
  const [{ vkey }] = anchors
  const served = await read(source, 'vkey', LIMITS.maxVkeyBytes)
  demandKey(new TextDecoder().decode(served).trimEnd(), anchors[0])
  const key = parseVerifierKey(vkey)
  if (key.name !== evidence.name.replace(/\/evidence$/, '/audit'))
    throw new VerifyError('ERR_VERIFY_ORIGIN', `the audit log recorded is ${key.name}, not this system’s`)
  for (const anchor of anchors) demandKey(vkey, anchor)
  const note = await read(source, 'checkpoint', LIMITS.maxCheckpointBytes)
  const checkpoint = { ...(await openCheckpoint(note, key)), note: new TextDecoder().decode(note) }
  for (const anchor of anchors) demandLength(checkpoint, anchor)
  const { size, rootHash } = checkpoint
  const hashes = remembering(tileHashReader(size, tileReader(source)))
  // In the order of the log, so that neighbours find the tiles that they share still at hand.
  const inOrder = anchors.toSorted((a, b) => a.size - b.size)
  await mapConcurrently(inOrder, (anchor) => demandGrowth(checkpoint, anchor, hashes))
  return { vkey: formatVerifierKey(key), size, rootHash: toBase64(rootHash), checkpoint: checkpoint.note }
}

function demandKey(vkey: string, { who, vkey: known }: AuditAnchor): void {
  if (vkey === known) return
  throw new VerifyError('ERR_VERIFY_KEY_CHANGED', `the key of the audit log is not the one that ${who} names`)
}

function demandLength({ size }: SignedCheckpoint, { who, size: known }: AuditAnchor): void {
  if (size >= known) return
  throw new VerifyError(
    'ERR_VERIFY_ROLLBACK',
    `the audit log had ${known} entries, says ${who}, and now has ${size}: its tail was cut off`,
  )
}

async function demandGrowth(
  { size, rootHash }: SignedCheckpoint,
  anchor: AuditAnchor,
  hashes: HashReader,
): Promise<void> {
  const { who, size: known } = anchor
  const root = fromBase64(anchor.rootHash)!
  const fork = (cause?: unknown) =>
    new VerifyError(
      'ERR_VERIFY_FORK',
      `the first ${known} entries of the audit log are not those that ${who} names`,
      { cause },
    )
  if (known === 0) {
    if (!equalBytes(root, emptyRoot())) throw fork()
    return
  }
  const proof = known === size ? [] : await makeConsistencyProof(known, size, hashes)
  try {
    verifyConsistency(known, size, root, rootHash, proof)
  } catch (cause) {
    throw cause instanceof VerifyError && cause.code === 'ERR_VERIFY_PROOF' ? fork(cause) : cause
  }
}

/** Larger subtrees are the same for most of the trees that are compared. */
function remembering(read: HashReader): HashReader {
  const known = new Map<string, Uint8Array | Promise<Uint8Array>>()
  return (level, index) => {
    const place = `${level}/${index}`
    const hash = known.get(place) ?? read(level, index)
    known.set(place, hash)
    return hash
  }
}

/** Reads tiles, and keeps those that were asked for last. A partial tile may have been replaced by its full one since the checkpoint. */
function tileReader(source: Source): (tile: Tile) => Promise<Uint8Array> {
  const tiles = new Map<string, Promise<Uint8Array>>()
  const fetchTile = async (tile: Tile): Promise<Uint8Array> => {
    const bytes = await source.get(AUDIT_PATH + tilePath(tile), LIMITS.maxTileBytes)
    if (bytes !== null || tile.width === TILE_WIDTH) return bytes ?? missing(tilePath(tile))
    const whole = await read(source, tilePath({ ...tile, width: TILE_WIDTH }), LIMITS.maxTileBytes)
    return whole.subarray(0, tile.width * HASH_BYTES)
  }
  return (tile) => {
    const path = tilePath(tile)
    const known = tiles.get(path) ?? fetchTile(tile)
    tiles.delete(path)
    tiles.set(path, known)
    if (tiles.size > KEPT_TILES) tiles.delete(tiles.keys().next().value!)
    return known
  }
}

async function read(source: Source, path: string, maxBytes: number): Promise<Uint8Array> {
  return (await source.get(AUDIT_PATH + path, maxBytes)) ?? missing(path)
}

function missing(path: string): never {
  throw new VerifyError('ERR_VERIFY_MISSING', `the audit log that was seen before does not serve ${path}`)
}
