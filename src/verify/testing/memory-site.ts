import { canonicalBytes, fromUtf8, toBase64, utf8 } from '../../kernel/index.ts'
import { formatCheckpoint } from '../checkpoint.ts'
import { createWitnessKey } from '../cosignature.ts'
import type { WitnessSigner } from '../cosignature.ts'
import type { EvidenceBody, EvidenceEntry, Observed, PromiseClaim } from '../entry.ts'
import { createHashTree } from '../hash-tree.ts'
import { hashLeaf, makeInclusionProof } from '../merkle.ts'
import { createVerifierKey, formatVerifierKey, signNote } from '../note.ts'
import type { NoteSigner } from '../note.ts'
import type { VerificationReport } from '../report.ts'
import { verifySite } from '../site.ts'
import type { VerifySiteOptions } from '../site.ts'
import { deriveStandings } from '../status.ts'
import { bundlesOf, formatBundle, tilePath } from '../tile.ts'
import { formatTlogProof } from '../tlog-proof.ts'

export const ORIGIN = 'shop.example/evidence'
export const START = Date.parse('2026-11-22T00:00:00.000Z')
export const NOW = START + 600_000
export const EVIDENCE = '/.well-known/surety/evidence/'

/** Made ahead, because WebCrypto makes keys asynchronously only; used in turn, so that neighbours differ. */
const pairs = await Promise.all(Array.from({ length: 8 }, createPair))
let next = 0

async function createPair(): Promise<{ publicKey: Uint8Array; privateKey: CryptoKey }> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
    privateKey: pair.privateKey,
  }
}

/** A signer with another key than the seven before it. */
export function createSigner(origin = ORIGIN): NoteSigner {
  const { publicKey, privateKey } = pairs[next++ % pairs.length]!
  return {
    key: createVerifierKey(origin, publicKey),
    sign: async (bytes) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, new Uint8Array(bytes))),
  }
}

/** A witness with another key than the seven signers before it. */
export function createWitnessSigner(name: string): WitnessSigner {
  const { key, sign } = createSigner(name)
  return { key: createWitnessKey(name, key.publicKey), sign }
}

export function claim(id: string): PromiseClaim {
  return {
    key: id,
    id,
    params: {},
    sentence: `We keep ${id}.`,
    evidence: 'measured',
    checkedBy: 'self',
    probe: `${id}@1`,
    cadenceSeconds: 3600,
    cannotProve: ['what nobody looked at'],
  }
}

export interface Shown {
  schema: number
  generatedAt: string
  checkpoint: string
  promises: Record<string, unknown>[]
}

/** A whole site in memory, served honestly until a test makes it lie. */
export class MemorySite {
  signer = createSigner()
  leaves: Uint8Array[] = []
  files = new Map<string, Uint8Array>()
  atMs: number
  requests: string[] = []

  /** @param startMs when the log was opened, in Unix milliseconds */
  constructor(startMs = START) {
    this.atMs = startMs
    this.log({ kind: 'log.opened', origin: ORIGIN, software: 'test' })
  }

  log(body: EvidenceBody): this {
    this.atMs += 1000
    return this.logBytes(
      canonicalBytes({ v: 1, id: crypto.randomUUID(), at: new Date(this.atMs).toISOString(), ...body }),
    )
  }

  logBytes(leaf: Uint8Array): this {
    this.leaves.push(leaf)
    return this
  }

  declare(id: string): this {
    return this.log({ kind: 'promise.declared', promise: claim(id) })
  }

  /** A check, started and answered. */
  check(
    id: string,
    outcome: 'kept' | 'broken' | 'undecided',
    values: Observed['values'] = { rows: 3 },
  ): this {
    const run = crypto.randomUUID()
    const deadline = new Date(this.atMs + 60_000).toISOString()
    this.log({ kind: 'probe.started', key: id, run, probe: `${id}@1`, deadline })
    const observed = { summary: `${outcome}.`, values }
    return this.log({ kind: 'probe.result', key: id, run, probe: `${id}@1`, outcome, observed })
  }

  async checkpointOf(leaves: Uint8Array[]): Promise<string> {
    const tree = createHashTree()
    for (const leaf of leaves) tree.append(hashLeaf(leaf))
    return signNote(
      formatCheckpoint({ origin: this.signer.key.name, size: leaves.length, rootHash: tree.root() }),
      this.signer,
    )
  }

  async publish(): Promise<this> {
    await this.publishLog()
    return this.publishPage()
  }

  async publishLog(): Promise<this> {
    this.put('vkey', utf8(`${formatVerifierKey(this.signer.key)}\n`))
    this.put('checkpoint', utf8(await this.checkpointOf(this.leaves)))
    for (const tile of bundlesOf(this.leaves.length)) {
      this.put(
        tilePath(tile),
        formatBundle(this.leaves.slice(tile.index * 256, tile.index * 256 + tile.width)),
      )
    }
    return this
  }

  async publishPage(change: (page: Shown) => void = () => {}, nowMs = NOW): Promise<this> {
    const tree = createHashTree()
    for (const leaf of this.leaves) tree.append(hashLeaf(leaf))
    const checkpoint = await this.checkpointOf(this.leaves)
    const prove = async (index: number): Promise<string> =>
      formatTlogProof({
        index,
        path: await makeInclusionProof(index, this.leaves.length, tree.read),
        checkpoint,
      })
    const entries = this.leaves.map((leaf) => JSON.parse(fromUtf8(leaf)) as EvidenceEntry)
    const standings = deriveStandings(entries, nowMs).filter((standing) => standing.withdrawnAt === null)
    const promises = standings.map(async (standing) => {
      const { claim, status, reason, entryIndex, checkedAt, validUntil } = standing
      return {
        ...claim,
        kind: claim.evidence,
        status,
        observed: standing.observed ?? { summary: reason, values: {} },
        checkedAt,
        validUntil,
        entry: entryIndex === null ? null : toBase64(this.leaves[entryIndex]!),
        proof: entryIndex === null ? null : await prove(entryIndex),
      }
    })
    const page = {
      schema: 1,
      origin: this.signer.key.name.replace(/\/evidence$/, ''),
      witnessed: false,
      generatedAt: new Date(nowMs).toISOString(),
      checkpoint,
      promises: await Promise.all(promises),
    }
    change(page)
    this.files.set('/security.json', utf8(JSON.stringify(page)))
    return this
  }

  put(path: string, bytes: Uint8Array): void {
    this.files.set(EVIDENCE + path, bytes)
  }

  flip(path: string, at = -3): void {
    const bytes = this.files.get(path)!.slice()
    bytes[bytes.length + at]! ^= 1
    this.files.set(path, bytes)
  }

  fetch = async (url: string): Promise<Response> => {
    const { pathname } = new URL(url)
    this.requests.push(pathname)
    const bytes = this.files.get(pathname)
    return bytes ? new Response(bytes.slice()) : new Response('nothing', { status: 404 })
  }

  verify(options: Partial<VerifySiteOptions> = {}): Promise<VerificationReport> {
    return verifySite({ fetch: this.fetch, url: 'https://shop.example', now: NOW, ...options })
  }
}
