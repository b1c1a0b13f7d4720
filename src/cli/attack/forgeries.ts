import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalBytes, createId } from '../../kernel/index.ts'
import { openLogSigner } from '../../log/index.ts'
import {
  bundlesOf,
  deriveStandings,
  formatBundle,
  formatVerifierKey,
  parseEntry,
  tilePath,
  TILE_WIDTH,
  type EvidenceBody,
  type EvidenceEntry,
  type PromiseClaim,
} from '../../verify/index.ts'
import { CliError } from '../errors.ts'
import type { Attack } from './attack.ts'
import { readLog, writeLog } from './forge-log.ts'
import type { LogCopy } from './log-copy.ts'
import { onCopy } from './on-copy.ts'

const DAY_MS = 86_400_000

/** An entry changed where it lies, as whoever can write to the folder could, without the key. */
export const rewriteEntry: Attack = onCopy({
  name: 'rewrite-entry',
  does: 'change what a published entry says, where it lies',
  async forge({ folder }) {
    const leaves = await readLog(folder)
    const index = lastResult(leaves)
    const tile = bundlesOf(leaves.length)[Math.floor(index / TILE_WIDTH)]!
    const from = tile.index * TILE_WIDTH
    const changed = leaves.with(index, beautified(leaves[index]!)).slice(from, from + tile.width)
    await writeFile(join(folder, tilePath(tile)), formatBundle(changed))
    return `entry ${index} says something else`
  },
})

/** The same with the log's key: the log is consistent in itself, and another than the one shown before. */
export const fork: Attack = onCopy({
  name: 'fork',
  does: 'show another log of the same size, signed with the log’s own key',
  async forge({ folder, signer }) {
    const leaves = await readLog(folder)
    const index = lastResult(leaves)
    await writeLog(folder, leaves.with(index, beautified(leaves[index]!)), signer)
    return `a second log of ${leaves.length} entries differs from entry ${index} on`
  },
})

export const backdate: Attack = onCopy({
  name: 'backdate',
  does: 'append an entry that claims to be from the day before',
  async forge(copy) {
    const leaves = await readLog(copy.folder)
    const result = parseEntry(leaves[lastResult(leaves)]!)
    const atMs = Date.parse(result.at) - DAY_MS
    await append(copy, { kind: 'promise.withdrawn', key: claimOf(leaves).key }, atMs)
    return `entry ${leaves.length} is dated ${new Date(atMs).toISOString()}`
  },
})

/** What an operator could do who sees a check fail: keep the result to themselves. */
export const hideFailure: Attack = onCopy({
  name: 'hide-failure',
  does: 'start a check and never publish its result',
  async forge(copy) {
    const { key, probe } = claimOf(await readLog(copy.folder))
    const atMs = copy.clock.now()
    const run = createId(copy.clock)
    const deadline = new Date(atMs + 60_000).toISOString()
    await append(copy, { kind: 'probe.started', key, probe: String(probe), run, deadline }, atMs)
    copy.wait(61_000)
    return `a check of ${key} was started and has no result; its deadline of a minute is over`
  },
})

export const replaceKey: Attack = onCopy({
  name: 'replace-key',
  does: 'sign the log anew with another key',
  async forge({ folder, aside, signer }) {
    const other = await openLogSigner(join(aside, 'keys', 'log'), signer.key.name)
    await writeLog(folder, await readLog(folder), other)
    await writeFile(join(folder, 'vkey'), `${formatVerifierKey(other.key)}\n`)
    return 'the log and its verifier key are those of another key'
  },
})

/** The page says less than was promised, and the log nothing of that. */
export const weakenPromise: Attack = onCopy({
  name: 'weaken-promise',
  does: 'weaken a sentence on the page without the log saying so',
  async forge(copy) {
    const { key } = claimOf(await readLog(copy.folder))
    copy.tellOtherwise((page) => ({
      ...page,
      promises: page.promises.map((promise) =>
        promise.key === key ? { ...promise, sentence: `We aim for this: ${promise.sentence}` } : promise,
      ),
    }))
    return `the page words ${key} more softly than the log`
  },
})

/** The change is in the log, under another name. */
export const mislabelChange: Attack = onCopy({
  name: 'mislabel-change',
  does: 'let results of a promise count longer, and call that a rewording',
  async forge(copy) {
    const claim = claimOf(await readLog(copy.folder))
    const promise = { ...claim, cadenceSeconds: (claim.cadenceSeconds ?? 1) * 30 }
    const change = { kind: 'promise.changed', promise, previous: claim.key, direction: 'reworded' } as const
    await append(copy, change, copy.clock.now())
    return `a result of ${claim.key} counts thirty times as long`
  },
})

/** An entry of the audit log replaced, and the log signed anew with its own key. */
export const rewriteAudit: Attack = onCopy({
  name: 'rewrite-audit',
  does: 'replace an entry of the audit log and sign the log anew',
  async forge({ auditFolder, auditSigner }) {
    const leaves = await readLog(auditFolder)
    await writeLog(auditFolder, leaves.with(0, randomBytes(leaves[0]!.length)), auditSigner)
    return `entry 0 of ${leaves.length} of the audit log is another`
  },
})

/** What an operator could do who wants the newest deeds unseen, or all of them. */
export const cutAudit: Attack = onCopy({
  name: 'cut-audit',
  does: 'cut the audit log down to its first entry and sign the shorter one',
  async forge({ auditFolder, auditSigner }) {
    const leaves = await readLog(auditFolder)
    await writeLog(auditFolder, leaves.slice(0, 1), auditSigner)
    return `1 of ${leaves.length} entries of the audit log is left`
  },
})

export const stopProbes: Attack = onCopy({
  name: 'stop-probes',
  does: 'stop measuring and leave the page as it is',
  async forge(copy) {
    const entries = (await readLog(copy.folder)).map(parseEntry)
    const cadences = claimsOf(entries, copy.clock.now()).map(({ cadenceSeconds }) => cadenceSeconds ?? 0)
    const days = Math.ceil((Math.max(0, ...cadences) * 1_000) / DAY_MS) + 1
    copy.wait(days * DAY_MS)
    return `nothing was measured for ${days} days`
  },
})

async function append(copy: LogCopy, body: EvidenceBody, atMs: number): Promise<void> {
  const leaves = await readLog(copy.folder)
  const entry = { ...body, v: 1, id: createId(copy.clock), at: new Date(atMs).toISOString() }
  await writeLog(copy.folder, [...leaves, canonicalBytes(entry)], copy.signer)
}

function lastResult(leaves: readonly Uint8Array[]): number {
  const index = leaves.findLastIndex((leaf) => parseEntry(leaf).kind === 'probe.result')
  if (index >= 0) return index
  throw new CliError('ERR_CLI_NO_TARGET', 'the evidence log holds no result of a check yet')
}

/** A result that says something better. */
function beautified(leaf: Uint8Array): Uint8Array {
  const entry = parseEntry(leaf)
  if (entry.kind !== 'probe.result') return leaf
  return canonicalBytes({ ...entry, observed: { ...entry.observed, summary: 'All is well.' } })
}

/** A promise in force that was measured as kept. */
function claimOf(leaves: readonly Uint8Array[]): PromiseClaim {
  const entries = leaves.map(parseEntry)
  const nowMs = Date.parse(entries.at(-1)!.at)
  const [claim] = claimsOf(entries, nowMs)
  if (claim) return claim
  throw new CliError('ERR_CLI_NO_TARGET', 'no promise is measured as kept yet')
}

function claimsOf(entries: readonly EvidenceEntry[], nowMs: number): PromiseClaim[] {
  return deriveStandings(entries, nowMs).flatMap(({ claim, status, withdrawnAt }) =>
    status === 'kept' && withdrawnAt === null ? [claim] : [],
  )
}
