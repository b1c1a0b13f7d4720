import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createWitness, formatAddCheckpoint, openWitnessSigner, type Witness } from '../../log/index.ts'
import {
  exitCodeOf,
  formatVerifierKey,
  makeConsistencyProof,
  verifySite,
  type PromiseStanding,
  type VerificationReport,
} from '../../verify/index.ts'
import { CliError } from '../errors.ts'
import type { View } from './attack.ts'
import { readLog, treeOf } from './forge-log.ts'
import type { LogCopy } from './log-copy.ts'

/** Those who have seen the log before it is forged. */
export interface Visitors {
  /** What each of them sees now, the one who knows least first. */
  look(): Promise<View[]>
}

/** A newcomer, one who pinned the key, one who remembers, and a witness: each visits the log while it is true. */
export async function inviteVisitors(copy: LogCopy): Promise<Visitors> {
  const before = await copy.serve((url) => visit(copy, url))
  if (!before.valid || !before.state) {
    throw new CliError('ERR_CLI_NO_TARGET', 'the evidence is not valid even before the attack', {
      mend: 'stop the demo, remove its data folder, and start it again',
    })
  }
  const { state } = before
  const vkey = formatVerifierKey(copy.signer.key)
  const witness = await openWitness(copy)
  await askWitness(copy, witness, 0)
  return {
    look: () =>
      copy.serve(async (url) => {
        const newcomer = await visit(copy, url)
        return [
          viewOf('surety verify', newcomer, before),
          viewOf('surety verify --vkey', await visit(copy, url, { vkey }), before),
          viewOf('surety verify --state', await visit(copy, url, { state }), before),
          await askWitness(copy, witness, state.size),
          { by: 'the page', exit: null, saw: lostPromises(newcomer.standings, before.standings) },
        ]
      }),
  }
}

function visit({ clock }: LogCopy, url: string, more: object = {}): Promise<VerificationReport> {
  return verifySite({ fetch, url, now: clock.now(), ...more })
}

/** What refutes the evidence, else what a reader of the log is told that was not so before. */
function viewOf(by: View['by'], report: VerificationReport, before: VerificationReport): View {
  const [problem] = report.problems.filter(({ severity }) => severity === 'invalid')
  const news = report.notes.find((note) => !before.notes.includes(note))
  const failure = problem ?? report.failure
  return {
    by,
    exit: exitCodeOf(report),
    saw: failure ? `${failure.code}: ${failure.message}` : (news ?? null),
  }
}

/** Promises that were kept and are no longer shown as kept. */
function lostPromises(now: readonly PromiseStanding[], before: readonly PromiseStanding[]): string | null {
  const kept = new Set(before.flatMap(({ status, claim }) => (status === 'kept' ? [claim.key] : [])))
  const lost = now.filter(({ status, claim }) => status !== 'kept' && kept.has(claim.key))
  const [first] = lost
  if (!first) return null
  const others = lost.length > 1 ? `, and ${lost.length - 1} more` : ''
  return `${first.claim.key} is ${first.status}: ${first.reason}${others}`
}

async function openWitness({ aside, signer, clock }: LogCopy): Promise<Witness> {
  const own = await openWitnessSigner(join(aside, 'keys', 'witness'), 'witness.example/demo')
  return createWitness({ folder: join(aside, 'witness'), signer: own, logs: [signer.key], clock })
}

/** The log as it is now, taken to the witness from the size that it has cosigned. */
async function askWitness({ folder }: LogCopy, witness: Witness, oldSize: number): Promise<View> {
  const checkpoint = await readFile(join(folder, 'checkpoint'))
  const tree = treeOf(await readLog(folder))
  const grows = oldSize > 0 && oldSize < tree.size
  const proof = grows ? await makeConsistencyProof(oldSize, tree.size, tree.read) : []
  const { status, body } = await witness.addCheckpoint(formatAddCheckpoint({ oldSize, proof, checkpoint }))
  return { by: 'a witness', exit: null, saw: status === 200 ? null : `${status}: ${body.trim()}` }
}
