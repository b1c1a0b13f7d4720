import { beforeEach, describe, expect, test } from 'vitest'
import { canonicalBytes, concatBytes, fromUtf8, utf8 } from '../kernel/index.ts'
import { createHashTree } from './hash-tree.ts'
import { LIMITS } from './limits.ts'
import { hashLeaf } from './merkle.ts'
import { formatVerifierKey, signNote } from './note.ts'
import { checkOwnLog } from './own-log.ts'
import { exitCodeOf } from './report.ts'
import type { VerificationReport } from './report.ts'
import { claim, createSigner, EVIDENCE, MemorySite, NOW, ORIGIN, START } from './testing/memory-site.ts'
import { bundlesOf, formatBundle, tilePath } from './tile.ts'

/** Attacks of an operator with the log's own key who wants exit 0 beside a promise that does not hold. */

let site: MemorySite

beforeEach(async () => {
  site = await new MemorySite().declare('a.promise').check('a.promise', 'broken').publish()
})

const statusOf = (report: VerificationReport): string | undefined =>
  report.standings.find(({ claim: { key } }) => key === 'a.promise')?.status
const codesOf = (report: VerificationReport): string[] => [
  ...report.problems.map(({ code }) => code),
  ...(report.failure ? [report.failure.code] : []),
]
const at = (afterMs: number): string => new Date(START + afterMs).toISOString()
const observed = { summary: 'All is well.', values: {} }
const about = (run: string) => ({ key: 'a.promise', run, probe: 'a.promise@1' })
const start = (run: string, deadline = at(500_000)) =>
  ({ kind: 'probe.started', ...about(run), deadline }) as const
const result = (run: string, outcome: 'kept' | 'broken') =>
  ({ kind: 'probe.result', ...about(run), outcome, observed }) as const

describe('a failure stays', () => {
  const launderings: [string, (site: MemorySite) => MemorySite][] = [
    ['a result without a start', (log) => log.log(result('never', 'kept'))],
    [
      'a reworded sentence',
      (log) =>
        log.log({
          kind: 'promise.changed',
          promise: { ...claim('a.promise'), sentence: 'We still keep it.' },
          previous: 'a.promise',
          direction: 'reworded',
        }),
    ],
    [
      'a longer cadence',
      (log) =>
        log.log({
          kind: 'promise.changed',
          promise: { ...claim('a.promise'), cadenceSeconds: 86_400 },
          previous: 'a.promise',
          direction: 'strengthened',
        }),
    ],
    [
      'a withdrawal and a new declaration',
      (log) => log.log({ kind: 'promise.withdrawn', key: 'a.promise' }).declare('a.promise'),
    ],
    [
      'the way over another key and back',
      (log) =>
        log
          .log({
            kind: 'promise.changed',
            promise: { ...claim('a.promise'), key: 'a.promise?within=2d', params: { within: '2d' } },
            previous: 'a.promise',
            direction: 'reworded',
          })
          .log({
            kind: 'promise.changed',
            promise: claim('a.promise'),
            previous: 'a.promise?within=2d',
            direction: 'strengthened',
          }),
    ],
    ['a check that never answers', (log) => log.log(start('r9'))],
  ]
  test.each(launderings)('whatever comes after it: %s', async (_, launder) => {
    await launder(site).publish()
    const report = await site.verify()
    expect(statusOf(report)).toBe('broken')
    expect(exitCodeOf(report)).toBe(1)
  })

  test('under other parameters that took its place, until they are checked', async () => {
    const later = { ...claim('a.promise'), key: 'a.promise?within=25h', params: { within: '25h' } }
    site.log({ kind: 'promise.changed', promise: later, previous: 'a.promise', direction: 'reworded' })
    const run = { key: later.key, run: 'r2', probe: 'a.promise@1' }
    expect(exitCodeOf(await (await site.publish()).verify())).toBe(1)
    site.log({ kind: 'probe.started', ...run, deadline: at(500_000) })
    site.log({ kind: 'probe.result', ...run, outcome: 'kept', observed })
    expect(await (await site.publish()).verify()).toMatchObject({
      valid: true,
      counts: { kept: 1, broken: 0 },
    })
  })

  test('when a check that was kept in hand from before is answered after it', async () => {
    const log = new MemorySite().declare('a.promise').log(start('r1')).log(start('r2'))
    await log.log(result('r2', 'broken')).log(result('r1', 'kept')).publish()
    expect(statusOf(await log.verify())).toBe('broken')
    await log.check('a.promise', 'kept').publish()
    expect(statusOf(await log.verify())).toBe('kept')
  })

  test('and is told where a promise was withdrawn, promised again or made easier under another word', async () => {
    const slower = { ...claim('b.promise'), cadenceSeconds: 7200 }
    site.log({ kind: 'promise.withdrawn', key: 'a.promise' }).declare('a.promise').declare('b.promise')
    site.log({ kind: 'promise.changed', promise: slower, previous: 'b.promise', direction: 'strengthened' })
    const { notes } = await (await site.publish()).verify()
    expect(notes).toEqual([
      'a.promise was withdrawn on 2026-11-22',
      'a.promise was promised again on 2026-11-22',
      'b.promise was weakened on 2026-11-22 (a result counts for 7200 seconds, before 3600), though the log calls it strengthened',
    ])
  })
})

describe('time', () => {
  test('a result cannot count for ever, nor crash whoever reads it', async () => {
    for (const cadenceSeconds of [LIMITS.maxCadenceSeconds + 1, 2 ** 53 - 1, 0, 1.5]) {
      const log = new MemorySite().log({
        kind: 'promise.declared',
        promise: { ...claim('a.promise'), cadenceSeconds },
      })
      expect(codesOf(await (await log.publishLog()).verify())).toEqual(['ERR_VERIFY_ENTRY_SHAPE'])
    }
  })

  test('a check that is never answered makes a promise unproven within a day, whatever its deadline', async () => {
    const promise = { ...claim('a.promise'), cadenceSeconds: LIMITS.maxCadenceSeconds }
    const log = new MemorySite().log({ kind: 'promise.declared', promise }).check('a.promise', 'kept')
    await log.log(start('hidden', '9999-12-31T23:59:59.999Z')).publish()
    expect(statusOf(await log.verify())).toBe('kept')
    const later = NOW + LIMITS.maxRunMs
    await log.publishPage(() => {}, later)
    expect(statusOf(await log.verify({ now: later }))).toBe('unproven')
  })

  test('a deadline before its own start makes no history that runs backwards', async () => {
    await site
      .check('a.promise', 'kept')
      .log(start('r9', at(0)))
      .publish()
    const { standings } = await site.verify()
    const times = standings[0]!.history.map(({ from }) => from)
    expect(times).toEqual(times.toSorted())
  })

  test('a clock that is a little off is borne, a page or entry from the future is not', async () => {
    await site.publishPage((page) => (page.generatedAt = new Date(NOW + 301_000).toISOString()))
    expect(codesOf(await site.verify())).toContain('ERR_VERIFY_PAGE_CHECKPOINT')
    expect(codesOf(await site.verify({ now: START - 400_000 }))).toContain('ERR_VERIFY_ENTRY_TIME')
  })

  test('of many checks opened at once only so many are waited for: reading stays cheap', async () => {
    const log = new MemorySite().declare('a.promise')
    for (let i = 0; i < 1000; i++) {
      log.atMs = START + 1000
      log.log(start(`r${i}`))
    }
    const report = await (await log.publish()).verify({ now: START + 1_200_000 })
    expect(report.problems.length + report.furtherProblems).toBe(1000 - LIMITS.maxPendingRuns)
    expect(report.standings[0]!.history.length).toBeLessThan(2 * LIMITS.maxPendingRuns)
  })
})

describe('bytes', () => {
  const entry = {
    v: 1,
    id: '0192f0c1-2345-7abc-8def-000000000001',
    at: at(300_000),
    kind: 'promise.withdrawn',
  }
  const declare = (change: object) =>
    canonicalBytes({ ...entry, kind: 'promise.declared', promise: { ...claim('b.promise'), ...change } })
  const leaves: [string, Uint8Array, string][] = [
    [
      'a key twice',
      utf8(
        `{"at":"${entry.at}","id":"${entry.id}","key":"b","key":"a.promise","kind":"promise.withdrawn","v":1}`,
      ),
      'ERR_VERIFY_ENTRY_CANONICAL',
    ],
    ['a byte order mark', concatBytes(utf8('\ufeff'), declare({})), 'ERR_VERIFY_ENTRY_CANONICAL'],
    ['CRLF', concatBytes(declare({}), utf8('\r\n')), 'ERR_VERIFY_ENTRY_CANONICAL'],
    [
      'a member __proto__',
      utf8(fromUtf8(declare({})).replace('{"at"', '{"__proto__":{},"at"')),
      'ERR_VERIFY_ENTRY_SHAPE',
    ],
    ['60,000 brackets', utf8('['.repeat(60_000)), 'ERR_VERIFY_ENTRY_CANONICAL'],
    ['nothing', new Uint8Array(0), 'ERR_VERIFY_ENTRY_CANONICAL'],
    [
      'a terminal escape in a key',
      declare({ key: 'b\u001b[2J', id: 'b\u001b[2J' }),
      'ERR_VERIFY_ENTRY_SHAPE',
    ],
    [
      'a right-to-left override in an id',
      declare({ key: 'b\u202e', id: 'b\u202e' }),
      'ERR_VERIFY_ENTRY_SHAPE',
    ],
    [
      'parameters that its key does not name',
      declare({ params: { within: '2d' } }),
      'ERR_VERIFY_ENTRY_SHAPE',
    ],
    [
      'a key that its parameters do not give',
      declare({ key: 'b.promise?within=2h', params: { within: '2d' } }),
      'ERR_VERIFY_ENTRY_SHAPE',
    ],
  ]
  test.each(leaves)('an entry with %s is refused', async (_, leaf, code) => {
    expect(codesOf(await (await site.logBytes(leaf).publishLog()).verify())).toEqual([code])
  })

  test('a promise of parameters named __proto__ and constructor is one like any other', async () => {
    const params = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>
    const promise = { ...claim('c.promise'), params, key: 'c.promise?__proto__=x&constructor=y' }
    await site.log({ kind: 'promise.declared', promise }).publish()
    expect(await site.verify()).toMatchObject({ valid: true, counts: { broken: 1, unproven: 1 } })
  })

  test('a bundle with bytes, or an entry, too many is refused', async () => {
    const path = tilePath(bundlesOf(site.leaves.length)[0]!)
    for (const extra of [utf8('x'), formatBundle([utf8('{}')])]) {
      site.put(path, concatBytes(formatBundle(site.leaves), extra))
      expect(codesOf(await site.verify())).toEqual(['ERR_VERIFY_TILE'])
    }
  })

  const root = (): string => Buffer.from(treeOf(site).root()).toString('base64')
  const notes: [string, () => string, string][] = [
    ['a size with a leading zero', () => `${ORIGIN}\n04\n${root()}\n`, 'ERR_VERIFY_CHECKPOINT'],
    ['a size of 2^53', () => `${ORIGIN}\n9007199254740992\n${root()}\n`, 'ERR_VERIFY_CHECKPOINT'],
    ['a size of 2^53 - 1', () => `${ORIGIN}\n9007199254740991\n${root()}\n`, 'ERR_VERIFY_RUN_LIMIT'],
    ['a negative size', () => `${ORIGIN}\n-1\n${root()}\n`, 'ERR_VERIFY_CHECKPOINT'],
    ['another origin', () => `bank.example/evidence\n4\n${root()}\n`, 'ERR_VERIFY_ORIGIN'],
    ['no root', () => `${ORIGIN}\n4\n`, 'ERR_VERIFY_CHECKPOINT'],
  ]
  test.each(notes)('a properly signed checkpoint with %s is refused', async (_, text, code) => {
    site.put('checkpoint', utf8(await signNote(text(), site.signer)))
    expect(codesOf(await site.verify())).toEqual([code])
  })

  test('extension lines and signatures of strangers change nothing, not even one that claims the same id', async () => {
    const text = `${ORIGIN}\n${site.leaves.length}\n${root()}\nextra\n`
    const stranger = createSigner('witness.example')
    const twin = { key: { ...stranger.key, keyId: site.signer.key.keyId }, sign: stranger.sign }
    const lines = await Promise.all([stranger, twin, site.signer].map((signer) => signNote(text, signer)))
    const note = (order: string[]) => `${text}\n${order.map((line) => line.slice(text.length + 1)).join('')}`
    site.put('checkpoint', utf8(note(lines)))
    expect(await site.verify()).toMatchObject({ valid: true })
    const forger = { key: site.signer.key, sign: stranger.sign }
    site.put('checkpoint', utf8(note([...lines, await signNote(text, forger)])))
    expect(codesOf(await site.verify())).toEqual(['ERR_VERIFY_SIGNATURE'])
  })

  test('a checkpoint with CRLF, or the page of a captive portal, is refused', async () => {
    const note = fromUtf8(site.files.get(`${EVIDENCE}checkpoint`)!)
    for (const text of [note.replaceAll('\n', '\r\n'), '<!doctype html><title>Sign in</title>']) {
      site.put('checkpoint', utf8(text))
      expect(codesOf(await site.verify())).toEqual(['ERR_VERIFY_NOTE'])
    }
  })

  function treeOf({ leaves: entries }: MemorySite): ReturnType<typeof createHashTree> {
    const tree = createHashTree()
    for (const leaf of entries) tree.append(hashLeaf(leaf))
    return tree
  }
})

describe('a page beside its log', () => {
  const lies: [string, (promise: Record<string, unknown>) => void][] = [
    ['what was observed', (promise) => (promise['observed'] = observed)],
    ['its values', (promise) => (promise['observed'] = { summary: 'broken.', values: { rows: 1_000_000 } })],
    ['when it was checked', (promise) => (promise['checkedAt'] = at(400_000))],
    ['how long it counts', (promise) => (promise['validUntil'] = at(9_000_000))],
    ['its probe', (promise) => (promise['probe'] = 'a.thorough@9')],
    ['its parameters', (promise) => (promise['params'] = { within: '1h' })],
    ['its id', (promise) => (promise['id'] = 'erasure.production')],
    ['its sentence by a zero-width space', (promise) => (promise['sentence'] = 'We keep\u200b a.promise.')],
  ]
  test.each(lies)('cannot change %s', async (_, lie) => {
    await site.publishPage((page) => lie(page.promises[0]!))
    const report = await site.verify()
    expect(codesOf(report)).toEqual(['ERR_VERIFY_PAGE_CLAIM'])
    expect(exitCodeOf(report)).toBe(3)
  })

  test('cannot be of another system, nor claim a witness that did not sign', async () => {
    await site.publishPage((page) => Object.assign(page, { origin: 'bank.example' }))
    expect(codesOf(await site.verify())).toEqual(['ERR_VERIFY_ORIGIN'])
    await site.publishPage((page) => Object.assign(page, { witnessed: true }))
    expect(codesOf(await site.verify())).toEqual(['ERR_VERIFY_PAGE_CLAIM'])
  })

  test('that shows promises the log has not, as unproven, cannot drown what is worth reading', async () => {
    await site.publishPage((page) => {
      for (let i = 0; i < 500; i++)
        page.promises.push({
          ...page.promises[0],
          key: `x.${i}`,
          status: 'unproven',
          entry: null,
          proof: null,
        })
    })
    const { notes } = await site.verify()
    expect(notes).toHaveLength(LIMITS.maxNotes)
    expect(notes.at(-1)).toBe('… and 401 more')
  })
})

describe('the log of somebody else', () => {
  test('copied whole, is not taken for the site’s own unless its key was pinned', async () => {
    const url = 'https://thief.example'
    const report = await site.verify({ url })
    expect(report.failure?.code).toBe('ERR_VERIFY_RUN_ORIGIN')
    expect(exitCodeOf(report)).toBe(2)
    const { state } = await site.verify()
    expect(exitCodeOf(await site.verify({ url, state }))).toBe(2)
    expect(exitCodeOf(await site.verify({ url, vkey: formatVerifierKey(site.signer.key) }))).toBe(1)
  })

  const own = [
    'shop.example',
    'www.shop.example',
    'SHOP.example.',
    'localhost',
    '127.0.0.1',
    '[::1]',
    'a.test',
  ]
  test.each(own)('may be found at %s', (host) => {
    expect(() => checkOwnLog(`https://${host}:8443`, ORIGIN)).not.toThrow()
  })

  const others = [
    'thief.example',
    'notshop.example',
    'shop.example.org',
    'localhost.example',
    '1.2.3.4.example',
  ]
  test.each(others)('is not the log of %s', (host) => {
    expect(() => checkOwnLog(`https://${host}`, ORIGIN)).toThrow(
      expect.objectContaining({ code: 'ERR_VERIFY_RUN_ORIGIN' }),
    )
  })
})
