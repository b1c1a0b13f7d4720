import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openLogSigner } from '../../log/index.ts'
import {
  bundlesOf,
  exitCodeOf,
  formatBundle,
  formatCheckpoint,
  hashLeaf,
  parseBundle,
  parseCheckpoint,
  parseNote,
  rootOfLeaves,
  signNote,
  tilePath,
  tilesOf,
  TILE_WIDTH,
  verifySite,
  type VerifierState,
} from '../../verify/index.ts'
import { clockFromEnvironment } from '../../compose/clock.ts'
import { CliError } from '../errors.ts'
import type { Attack, Target } from './attack.ts'

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
    const checkpoint = join(target.evidenceFolder, 'checkpoint')
    const { origin, size } = parseCheckpoint(parseNote(await readFile(checkpoint)).text)
    const kept = size - CUT_ENTRIES
    if (kept < 1) throw new CliError('ERR_CLI_NO_TARGET', 'the evidence log is too short to cut')
    const leaves = (await readLeaves(target.evidenceFolder, size)).slice(0, kept)
    await writeTiles(target.evidenceFolder, leaves)
    const rootHash = rootOfLeaves(leaves.map(hashLeaf))
    const signer = await openLogSigner(target.signingKey, origin)
    await writeFile(checkpoint, await signNote(formatCheckpoint({ origin, size: kept, rootHash }), signer))
    return `${CUT_ENTRIES} of ${size} entries are gone, and a checkpoint of ${kept} entries is signed with the log’s key`
  },
  async detect(target) {
    const state = remembered.get(target) ?? null
    const report = await verifySite({ fetch, url: target.url, state, now: clockFromEnvironment().now() })
    const [problem] = report.problems.filter(({ severity }) => severity === 'invalid')
    if (!problem) return null
    const saw = `${problem.code}: ${problem.message}`
    return { by: 'surety verify --state', saw, verifyExit: exitCodeOf(report), logSize: null }
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

async function readLeaves(folder: string, size: number): Promise<Uint8Array[]> {
  const bundles = bundlesOf(size).map(async (tile) =>
    parseBundle(await readFile(join(folder, tilePath(tile))), tile.width),
  )
  return (await Promise.all(bundles)).flat()
}

/** The shorter log's partial tiles and bundle: its full ones are those of the longer log. */
async function writeTiles(folder: string, leaves: readonly Uint8Array[]): Promise<void> {
  const last = bundlesOf(leaves.length).at(-1)!
  const from = last.index * TILE_WIDTH
  await write(join(folder, tilePath(last)), formatBundle(leaves.slice(from)))
  const level0 = tilesOf(leaves.length)
    .filter(({ level }) => level === 0)
    .at(-1)!
  const hashes = leaves.slice(level0.index * TILE_WIDTH).map(hashLeaf)
  await write(join(folder, tilePath(level0)), Buffer.concat(hashes))
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}
