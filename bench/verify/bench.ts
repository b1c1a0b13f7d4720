import { createHash } from 'node:crypto'
import { fromUtf8 } from '../../src/kernel/index.ts'
import { MemorySite, START } from '../../src/verify/testing/memory-site.ts'
import { describeMachine, interleave, millisecondsOf, type Bench } from '../measure.ts'
import { verifyInBrowser } from './browser.ts'

const YEAR_MS = 365 * 86_400_000
const PROMISES = Array.from({ length: 20 }, (_, i) => `bench.promise-${i}`)

/** Verifying a page with a year of evidence, read from memory. */
export const verify: Bench = async ({ quick }) => {
  const entries = quick ? 600 : 100_000
  const rounds = quick ? 1 : 5
  const { site, now } = await createSite(entries)
  const found = await interleave(rounds, {
    surety: () => millisecondsOf(() => verifyKept(site, now, entries)),
    bare: () => millisecondsOf(() => hashAndParse(site.leaves)),
  })
  const phoneMs = await verifyInBrowser(site, now, quick ? 1 : 3)
  if (phoneMs === null) process.stderr.write('no browser was found: the throttled one is not measured\n')
  return {
    name: 'verify',
    ours: {
      verifySiteMs: found.surety,
      entriesPerSecond: (entries * 1000) / found.surety,
      ...(phoneMs === null ? {} : { throttledBrowserMs: phoneMs }),
    },
    rivals: { sha256AndJsonParseMs: found.bare },
    ratios: { oursTimeToBareTime: found.surety / found.bare },
    rounds,
    machine: describeMachine(),
  }
}

/** A site whose log has `entries` entries, spread over a year: promises declared, then checked in turn. */
async function createSite(entries: number): Promise<{ site: MemorySite; now: number }> {
  const site = new MemorySite()
  for (const promise of PROMISES) site.declare(promise)
  const step = Math.floor(YEAR_MS / entries)
  for (let turn = 0; site.leaves.length + 2 <= entries; turn++) {
    site.check(PROMISES[turn % PROMISES.length]!, 'kept')
    site.atMs = START + site.leaves.length * step
  }
  while (site.leaves.length < entries) site.log({ kind: 'promise.withdrawn', key: PROMISES[0]! })
  const now = site.atMs + 1000
  await site.publishLog()
  await site.publishPage(undefined, now)
  return { site, now }
}

async function verifyKept(site: MemorySite, now: number, entries: number): Promise<void> {
  const report = await site.verify({ now })
  const read = report.steps.find(({ id }) => id === 'meaning')
  if (report.problems.length > 0 || read?.outcome !== 'passed' || site.leaves.length !== entries) {
    throw new TypeError(`the site does not verify: ${JSON.stringify(report.problems.slice(0, 3))}`)
  }
}

/** What no verifier can leave out: a hash of every entry and its JSON. No tree, no signature, no meaning. */
function hashAndParse(leaves: readonly Uint8Array[]): void {
  for (const leaf of leaves) {
    createHash('sha256').update(leaf).digest()
    JSON.parse(fromUtf8(leaf))
  }
}
