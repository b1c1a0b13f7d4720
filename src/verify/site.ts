import { equalBytes, SuretyError, toBase64, utf8 } from '../kernel/index.ts'
import { auditAnchors, checkAuditLog } from './audit-log.ts'
import type { SeenAudit } from './audit-log.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { Checkpoint } from './checkpoint.ts'
import { comparePage } from './compare-page.ts'
import { formatWitnessKey } from './cosignature.ts'
import type { WitnessKey } from './cosignature.ts'
import type { EvidenceEntry } from './entry.ts'
import { VerifyError, VerifyRunError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { formatVerifierKey, parseVerifierKey } from './note.ts'
import type { VerifierKey } from './note.ts'
import { checkOwnLog } from './own-log.ts'
import { createEntryReader, createLogCopy, readCheckpoint, readEntries } from './read-log.ts'
import type { EntryReader, SignedCheckpoint } from './read-log.ts'
import { createReporter } from './reporter.ts'
import type { Reporter } from './reporter.ts'
import type { StepId, VerificationReport } from './report.ts'
import { parseSecurityPage } from './security-page.ts'
import type { SecurityPage } from './security-page.ts'
import { createSource, EVIDENCE_PATH } from './source.ts'
import type { Fetch, Source } from './source.ts'
import { createVerifierState, parseVerifierState, rootOfState } from './state.ts'
import type { VerifierState } from './state.ts'
import { tracesOf } from './traces.ts'
import { createEvidence, deriveStandings } from './status.ts'
import type { Evidence, PromiseStanding } from './status.ts'
import { checkWitness, checkWitnessClaim, parseWitnesses } from './witnesses.ts'
import type { WitnessedLog, WitnessReport } from './witnesses.ts'

export interface VerifySiteOptions {
  /** The platform's `fetch`. */
  readonly fetch: Fetch
  /** The site, such as `https://example.com`. */
  readonly url: string
  /** A verifier key learned elsewhere than from the site. Without it the site's own word is taken. */
  readonly vkey?: string | undefined
  /** Keys of witnesses that must have cosigned the log, beside those that the state remembers. Default none. */
  readonly witnesses?: readonly string[] | undefined
  /** What {@link VerificationReport.state} held after the last visit, as parsed JSON. */
  readonly state?: unknown
  /** Unix milliseconds. */
  readonly now: number
  /** Waits between looks at a witness, so many milliseconds. Default: the platform’s timer. */
  readonly pause?: ((ms: number) => Promise<void>) | undefined
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
}

export interface VerifyProgress {
  readonly step: StepId
  /** Entries read, where the step reads entries. */
  readonly done: number
  readonly total: number
}

/**
 * Verifies a site from outside: reads its whole evidence log, derives every status itself and holds
 * the security page against it. Never throws for what a site serves: the report says it all.
 */
export async function verifySite(options: VerifySiteOptions): Promise<VerificationReport> {
  const reporter = createReporter(options.url)
  try {
    await verifyLogAndPage(options, reporter)
  } catch (error) {
    if (!(error instanceof SuretyError)) throw error
    reporter.fail(error)
  }
  return reporter.report()
}

/** All that the steps learn and share. */
interface Run {
  readonly options: VerifySiteOptions
  readonly reporter: Reporter
  readonly source: Source
  readonly key: VerifierKey
  readonly state: VerifierState | null
  readonly witnesses: readonly WitnessKey[]
  readonly copy: ReturnType<typeof createLogCopy>
  readonly parse: EntryReader
  readonly entries: EvidenceEntry[]
  readonly evidence: Evidence
  checkpoint: SignedCheckpoint
}

async function verifyLogAndPage(options: VerifySiteOptions, reporter: Reporter): Promise<void> {
  begin(options, reporter, 'key')
  const state =
    options.state === undefined || options.state === null ? null : parseVerifierState(options.state)
  reporter.remember(state)
  const witnesses = parseWitnesses([...(state?.witnesses ?? []), ...(options.witnesses ?? [])])
  const source = createSource(options.fetch, options.url)
  const key = await chooseKey(options, reporter, source, state)

  if (options.vkey === undefined) checkOwnLog(options.url, key.name)

  begin(options, reporter, 'checkpoint')
  const checkpoint = await demandCheckpoint(source, key, state)
  // Kept even where it turns out to contradict an earlier one: then it is the proof.
  reporter.see(checkpoint)
  reporter.pass(`${checkpoint.origin}, ${checkpoint.size} entries`)
  const run: Run = {
    options,
    reporter,
    source,
    key,
    state,
    witnesses,
    copy: createLogCopy(),
    parse: createEntryReader(checkpoint.origin, options.now),
    entries: [],
    evidence: createEvidence(),
    checkpoint,
  }

  begin(options, reporter, 'rollback')
  checkRollback(run)
  await readWholeLog(run)
  begin(options, reporter, 'witness')
  await checkWitnesses(run)
  begin(options, reporter, 'status')
  deriveStatuses(run)
  begin(options, reporter, 'audit')
  const audit = await checkAudit(run)
  begin(options, reporter, 'page')
  await checkPage(run)
  if (!reporter.hasInvalid())
    reporter.remember(createVerifierState(key, run.checkpoint, witnesses.map(formatWitnessKey), audit))
}

function begin(options: VerifySiteOptions, reporter: Reporter, step: StepId): void {
  reporter.begin(step)
  options.onProgress?.({ step, done: 0, total: 0 })
}

/** The pinned key, else the remembered one, else the one the site serves. */
async function chooseKey(
  { vkey }: VerifySiteOptions,
  reporter: Reporter,
  source: Source,
  state: VerifierState | null,
): Promise<VerifierKey> {
  if (vkey !== undefined) {
    const key = parsePinned(vkey)
    if (state && state.vkey !== formatVerifierKey(key)) {
      throw new VerifyRunError('ERR_VERIFY_RUN_STATE', 'the remembered state belongs to another verifier key')
    }
    reporter.useKey(key, 'pinned')
    return key
  }
  const served = await source.get(`${EVIDENCE_PATH}vkey`, LIMITS.maxVkeyBytes)
  if (state) {
    const key = parseVerifierKey(state.vkey)
    reporter.useKey(key, 'remembered')
    const now = served && new TextDecoder().decode(served).trimEnd()
    if (now !== null && now !== state.vkey) {
      throw new VerifyError(
        'ERR_VERIFY_KEY_CHANGED',
        'the site serves another verifier key than the last time',
      )
    }
    return key
  }
  if (served === null) throw new VerifyRunError('ERR_VERIFY_RUN_HTTP', 'the site serves no evidence log')
  const key = parseVerifierKey(new TextDecoder().decode(served))
  reporter.useKey(key, 'served')
  return key
}

function parsePinned(vkey: string): VerifierKey {
  try {
    return parseVerifierKey(vkey.trim())
  } catch (cause) {
    if (!(cause instanceof VerifyError)) throw cause
    throw new VerifyRunError('ERR_VERIFY_RUN_VKEY', 'the pinned verifier key cannot be read', { cause })
  }
}

async function demandCheckpoint(
  source: Source,
  key: VerifierKey,
  state: VerifierState | null,
): Promise<SignedCheckpoint> {
  const checkpoint = await readCheckpoint(source, key)
  if (checkpoint) return checkpoint
  if (state) throw new VerifyError('ERR_VERIFY_MISSING', 'the log seen the last time is no longer served')
  throw new VerifyRunError('ERR_VERIFY_RUN_HTTP', 'the site serves no checkpoint')
}

function checkRollback({ state, checkpoint, reporter }: Run): void {
  if (!state) return reporter.pass('first seen: nothing to compare with')
  if (checkpoint.size < state.size) {
    throw new VerifyError(
      'ERR_VERIFY_ROLLBACK',
      `the log had ${state.size} entries and now has ${checkpoint.size}: its tail was cut off`,
    )
  }
  if (checkpoint.size === state.size && !equalBytes(checkpoint.rootHash, rootOfState(state))) {
    throw new VerifyError(
      'ERR_VERIFY_FORK',
      `two signed checkpoints of size ${state.size} have different roots`,
    )
  }
  reporter.pass(`grew from ${state.size} to ${checkpoint.size} entries`)
}

async function readWholeLog(run: Run): Promise<void> {
  const { options, reporter, source, checkpoint, copy, state } = run
  begin(options, reporter, 'entries')
  await readEntries(source, checkpoint, copy, (done, total) =>
    options.onProgress?.({ step: 'entries', done, total }),
  )
  reporter.pass(`${checkpoint.size} entries, root ${toBase64(checkpoint.rootHash)}`)

  begin(options, reporter, 'consistency')
  if (state && !equalBytes(copy.tree.root(state.size), rootOfState(state))) {
    throw new VerifyError(
      'ERR_VERIFY_FORK',
      `the first ${state.size} entries are not those seen the last time`,
    )
  }
  reporter.pass(state ? `the first ${state.size} entries are unchanged` : 'first seen')

  begin(options, reporter, 'meaning')
  readMeaning(run)
  reporter.pass(`${run.entries.length} entries in canonical form, in order of time`)
}

/** Reads what the copy holds beyond the entries known already. */
function readMeaning({ parse, copy, entries }: Run): void {
  for (const entry of parse(copy.leaves.slice(entries.length))) entries.push(entry)
}

async function checkWitnesses(run: Run): Promise<void> {
  const { reporter, witnesses } = run
  if (witnesses.length === 0) return reporter.skip('no witness was asked for: split views possible')
  const reports = await demandWitnesses(run)
  reporter.pass(
    reports.map(({ name, size, cosignedAt }) => `${name}, ${size} entries, ${cosignedAt}`).join('; '),
  )
}

/** Every witness has cosigned every entry read so far, and those that another one saw meanwhile. */
async function demandWitnesses(run: Run): Promise<WitnessReport[]> {
  const ask = async (): Promise<WitnessReport[]> => {
    const reports: WitnessReport[] = []
    for (const witness of run.witnesses) reports.push(await checkWitness(witnessedLog(run), witness))
    return reports
  }
  const behind = (reports: readonly WitnessReport[]): WitnessReport | undefined =>
    reports.find(({ size }) => size < run.checkpoint.size)
  let reports = await ask()
  if (behind(reports)) reports = await ask()
  const slow = behind(reports)
  if (slow) throw new VerifyError('ERR_VERIFY_UNWITNESSED', `the log grows faster than ${slow.name} cosigns`)
  run.reporter.witnessedBy(reports)
  return reports
}

function witnessedLog(run: Run): WitnessedLog {
  return {
    ...run,
    now: run.options.now,
    pause: run.options.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    async catchUp(size, who) {
      await catchUp(run, size, { code: 'ERR_VERIFY_ROLLBACK', who })
      return witnessedLog(run)
    },
  }
}

function deriveStatuses(run: Run): void {
  const { reporter, entries } = run
  const standings = standFrom(run)
  for (const trace of tracesOf(entries)) reporter.note(trace)
  if (!standings.some(({ withdrawnAt }) => withdrawnAt === null))
    reporter.note('the log holds no promise in force: nothing but the log itself was verified')
  reporter.pass(`${standings.length} promises`)
}

/** Derives the statuses from all entries known, those not looked at before included. */
function standFrom({ options, reporter, entries, evidence }: Run): PromiseStanding[] {
  for (const { index, message } of evidence.read(entries.slice(evidence.size)))
    reporter.irregular(`entry ${index}: ${message}`)
  const standings = evidence.standingsAt(options.now)
  reporter.stand(standings)
  return standings
}

/** The audit log is looked at after the evidence log was read: what that names was published before. */
async function checkAudit({ reporter, source, key, state, entries }: Run): Promise<SeenAudit | null> {
  const recorded = auditAnchors(entries)
  const remembered = state?.audit ? [{ ...state.audit, who: 'the last visit' }] : []
  const [first, ...others] = [...recorded, ...remembered]
  if (first === undefined) {
    reporter.skip('the evidence log names no audit log')
    return null
  }
  const seen = await checkAuditLog(source, key, [first, ...others])
  const trees = recorded.length === 1 ? 'the one tree' : `each of the ${recorded.length} trees`
  const last = state?.audit ? `, and the ${state.audit.size} entries that the last visit saw` : ''
  reporter.pass(`${seen.size} entries, continuing ${trees} that the evidence log names${last}`)
  return seen
}

async function checkPage(run: Run): Promise<void> {
  const { reporter, options, copy, key } = run
  const { page, checkpoint } = await fetchMatchingPage(run)
  if (!equalBytes(copy.tree.root(checkpoint.size), checkpoint.rootHash)) {
    throw new VerifyError(
      'ERR_VERIFY_FORK',
      'the page shows a signed checkpoint of another tree than the log',
    )
  }
  if (`${page.origin}/evidence` !== key.name) {
    throw new VerifyError('ERR_VERIFY_ORIGIN', `the page is of ${page.origin}, the log of ${key.name}`)
  }
  for (const note of await checkWitnessClaim(page, key, run.witnesses)) reporter.note(note)
  const generatedMs = Date.parse(page.generatedAt)
  if (generatedMs > options.now + LIMITS.maxFutureMs) {
    throw new VerifyError(
      'ERR_VERIFY_PAGE_CHECKPOINT',
      `the page is dated in the future: ${page.generatedAt}`,
    )
  }
  // A page cached for a moment is measured against its own moment, one older than that against now.
  const unseen = run.entries[checkpoint.size]
  const oldestMs = options.now - LIMITS.maxPageAgeMs
  const fresh = generatedMs >= oldestMs && (unseen === undefined || Date.parse(unseen.at) >= oldestMs)
  const standings = fresh
    ? standingsOn(run, checkpoint.size, generatedMs)
    : run.evidence.standingsAt(options.now)
  const { problems, notes } = await comparePage(page.promises, standings, copy, key)
  for (const note of notes) reporter.note(note)
  for (const problem of problems) reporter.invalid(new VerifyError(problem.code, problem.message))
  if (problems.length === 0)
    reporter.pass(`${page.promises.length} promises shown, none claiming more than the log`)
}

/** What the first `size` entries said at a moment of the past. */
function standingsOn({ entries, evidence }: Run, size: number, atMs: number): PromiseStanding[] {
  return size === evidence.size ? evidence.standingsAt(atMs) : deriveStandings(entries.slice(0, size), atMs)
}

/** A page and a log that have seen the same entries, after one more look at whichever lags behind. */
async function fetchMatchingPage(run: Run): Promise<{ page: SecurityPage; checkpoint: Checkpoint }> {
  let shown = await fetchPage(run)
  if (shown.checkpoint.size < run.checkpoint.size) shown = await fetchPage(run)
  if (shown.checkpoint.size > run.checkpoint.size) {
    await catchUp(run, shown.checkpoint.size, { code: 'ERR_VERIFY_PAGE_CHECKPOINT', who: 'the page' })
    await demandWitnesses(run)
  }
  return shown
}

async function fetchPage({ source, key }: Run): Promise<{ page: SecurityPage; checkpoint: Checkpoint }> {
  const bytes = await source.get('/security.json', LIMITS.maxPageBytes)
  if (bytes === null) throw new VerifyRunError('ERR_VERIFY_RUN_HTTP', 'the site serves no /security.json')
  const page = parseSecurityPage(bytes)
  return { page, checkpoint: await openCheckpoint(utf8(page.checkpoint), key) }
}

/** Who has seen more than the log, and what that makes of a log that does not grow. */
interface Behind {
  readonly code: 'ERR_VERIFY_ROLLBACK' | 'ERR_VERIFY_PAGE_CHECKPOINT'
  readonly who: string
}

/** Reads on in a log that has grown since its checkpoint was fetched. */
async function catchUp(run: Run, size: number, { code, who }: Behind): Promise<void> {
  const { reporter, source, key, copy } = run
  const newer = await demandCheckpoint(source, key, null)
  if (newer.size < size) {
    throw new VerifyError(
      code,
      `${who} has seen a signed checkpoint of ${size} entries, the log serves ${newer.size}`,
    )
  }
  await readEntries(source, newer, copy, () => {})
  run.checkpoint = newer
  readMeaning(run)
  reporter.see(newer)
  standFrom(run)
}
