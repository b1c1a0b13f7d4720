import { openLogSigner } from '../../log/index.ts'
import { exitCodeOf, verifySite, type VerifierState } from '../../verify/index.ts'
import { clockFromEnvironment } from '../../compose/clock.ts'
import { CliError } from '../errors.ts'
import type { Attack, Target } from './attack.ts'
import { readLog, writeLog } from './forge-log.ts'

/** How many of the newest entries disappear. */
const CUT_ENTRIES = 2

/**
 * The newest entries cut off and a shorter log signed with the log's own key, as an operator could who
 * wants an unfavourable result gone. Signatures and hashes of the shorter log are in order: only who
 * remembers the longer one can notice.
 */
export const cutTail: Attack = {
  name: 'cut-tail',
  does: 'cut the newest entries off the evidence log and sign the shorter one',
  async carryOut(target) {
    remembered.set(target, await visit(target))
    const leaves = await readLog(target.evidenceFolder)
    const kept = leaves.length - CUT_ENTRIES
    if (kept < 1) throw new CliError('ERR_CLI_NO_TARGET', 'the evidence log is too short to cut')
    const signer = await openLogSigner(target.signingKey, `${target.tool.config.origin}/evidence`)
    await writeLog(target.evidenceFolder, leaves.slice(0, kept), signer)
    return `${CUT_ENTRIES} of ${leaves.length} entries are gone, and a checkpoint of ${kept} entries is signed with the log’s key`
  },
  async detect(target) {
    const state = remembered.get(target) ?? null
    const report = await verifySite({ fetch, url: target.url, state, now: clockFromEnvironment().now() })
    const [problem] = report.problems.filter(({ severity }) => severity === 'invalid')
    if (!problem) return null
    const saw = `${problem.code}: ${problem.message}`
    return { by: 'surety verify --state', saw, verifyExit: exitCodeOf(report), logSize: null, views: [] }
  },
}

const remembered = new WeakMap<Target, VerifierState>()

/** An outsider's visit before the attack: what they remember is what catches it. */
async function visit({ url }: Target): Promise<VerifierState> {
  const report = await verifySite({ fetch, url, now: clockFromEnvironment().now() })
  if (report.valid && report.state) return report.state
  throw new CliError('ERR_CLI_NO_TARGET', 'the evidence is not valid even before the attack', {
    mend: 'stop the demo, remove its data folder, and start it again',
  })
}
