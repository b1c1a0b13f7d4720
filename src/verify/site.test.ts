import { beforeEach, describe, expect, test } from 'vitest'
import { canonicalBytes, fromUtf8, toBase64, utf8 } from '../kernel/index.ts'
import { hashLeaf } from './merkle.ts'
import { formatVerifierKey } from './note.ts'
import { exitCodeOf } from './report.ts'
import type { VerificationReport } from './report.ts'
import { createSigner, EVIDENCE, MemorySite, NOW, ORIGIN, START } from './testing/memory-site.ts'
import type { Shown } from './testing/memory-site.ts'
import { bundlesOf, formatBundle, tilePath } from './tile.ts'

const codesOf = (report: VerificationReport): string[] => report.problems.map((problem) => problem.code)

function expectInvalid(report: VerificationReport, code: string): void {
  expect(codesOf(report)).toContain(code)
  expect(report.valid).toBe(false)
  expect(exitCodeOf(report)).toBe(3)
}

let site: MemorySite

beforeEach(async () => {
  site = await new MemorySite().declare('a.promise').check('a.promise', 'kept').declare('b.promise').publish()
})

describe('an honest site', () => {
  test('is valid, step by step, and its statuses are derived from its log', async () => {
    const report = await site.verify()
    expect(report.problems).toEqual([])
    expect(report.failure).toBeNull()
    expect(report.steps.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      ...['key passed', 'checkpoint passed', 'rollback passed', 'entries passed', 'consistency passed'],
      ...['meaning passed', 'witness skipped', 'status passed', 'audit skipped', 'page passed'],
    ])
    expect(report).toMatchObject({ valid: true, origin: ORIGIN, keySource: 'served', firstSeen: true })
    expect(report.counts).toEqual({ kept: 1, broken: 0, unproven: 1 })
    expect(exitCodeOf(report)).toBe(0)
    expect(exitCodeOf(report, { strict: true })).toBe(1)
  })

  test('is compared with what was seen the last time', async () => {
    const first = await site.verify()
    await site.check('b.promise', 'kept').publish()
    const second = await site.verify({ state: JSON.parse(JSON.stringify(first.state)) })
    expect(second).toMatchObject({ valid: true, firstSeen: false, keySource: 'remembered' })
    expect(second.state!.size).toBe(site.leaves.length)
    expect(exitCodeOf(second, { strict: true })).toBe(0)
  })

  test('exits 1 when a promise is broken', async () => {
    await site.check('b.promise', 'broken').publish()
    const report = await site.verify({ vkey: formatVerifierKey(site.signer.key) })
    expect(report).toMatchObject({
      valid: true,
      keySource: 'pinned',
      counts: { kept: 1, broken: 1, unproven: 0 },
    })
    expect(exitCodeOf(report)).toBe(1)
  })

  test('is read whole across many bundles, with progress', async () => {
    for (let i = 0; i < 300; i++) site.check('a.promise', 'kept')
    site.atMs = NOW - 1000
    await site.publish()
    const progress: number[] = []
    const report = await site.verify({
      now: NOW + 60_000,
      onProgress: ({ step, done }) => step === 'entries' && progress.push(done),
    })
    expect(report).toMatchObject({ valid: true, checkpoint: { size: site.leaves.length } })
    expect(progress.at(-1)).toBe(site.leaves.length)
    expect(report.counts.kept).toBe(1)
  })

  test('may have replaced a partial bundle by its full one since', async () => {
    const bundle = tilePath(bundlesOf(site.leaves.length)[0]!)
    const more = Array.from({ length: 256 - site.leaves.length }, () => utf8('later'))
    site.put('tile/entries/000', formatBundle([...site.leaves, ...more]))
    site.files.delete(EVIDENCE + bundle)
    expect(await site.verify()).toMatchObject({ valid: true })
  })

  test('may grow while it is being verified', async () => {
    const old = site.files.get(`${EVIDENCE}checkpoint`)!
    await site.check('b.promise', 'kept').publish()
    const fresh = site.files.get(`${EVIDENCE}checkpoint`)!
    let looks = 0
    site.put(tilePath({ level: 'entries', index: 0, width: 5 }), formatBundle(site.leaves.slice(0, 5)))
    const fetch = (url: string): Promise<Response> => {
      if (url.endsWith('/checkpoint')) site.put('checkpoint', looks++ === 0 ? old : fresh)
      return site.fetch(url)
    }
    const report = await site.verify({ fetch })
    expect(report).toMatchObject({ valid: true, counts: { kept: 2 }, state: { size: site.leaves.length } })
  })

  test('may show a page cached a moment ago, and may not show it for long', async () => {
    const page = site.files.get('/security.json')!
    site.atMs = NOW - 60_000
    await site.check('a.promise', 'broken').publish()
    site.files.set('/security.json', page)
    expect(await site.verify()).toMatchObject({ valid: true, counts: { broken: 1 } })
    expectInvalid(await site.verify({ now: NOW + 301_000 }), 'ERR_VERIFY_PAGE_STATUS')
  })
})

describe('a log that was tampered with', () => {
  test('is refused with a flipped bit in a bundle', async () => {
    site.flip(EVIDENCE + tilePath(bundlesOf(site.leaves.length)[0]!), -20)
    expectInvalid(await site.verify(), 'ERR_VERIFY_ROOT')
  })

  test('is refused with a flipped bit in the signature or the root of the checkpoint', async () => {
    const checkpoint = fromUtf8(site.files.get(`${EVIDENCE}checkpoint`)!)
    const root = checkpoint.split('\n')[2]!
    const other = toBase64(hashLeaf(utf8('other')))
    site.put('checkpoint', utf8(checkpoint.replace(root, other)))
    expectInvalid(await site.verify(), 'ERR_VERIFY_SIGNATURE')
  })

  test('is refused when entries are withheld', async () => {
    site.files.delete(EVIDENCE + tilePath(bundlesOf(site.leaves.length)[0]!))
    expectInvalid(await site.verify(), 'ERR_VERIFY_MISSING')
  })

  test('is refused when its tail was cut, and the earlier memory is kept', async () => {
    const { state } = await site.verify()
    site.leaves = site.leaves.slice(0, -1)
    await site.publish()
    const report = await site.verify({ state })
    expectInvalid(report, 'ERR_VERIFY_ROLLBACK')
    expect(report.state).toEqual(state)
  })

  test('is refused when its past was rewritten, though properly signed', async () => {
    const { state } = await site.verify()
    site.leaves[2] = utf8(fromUtf8(site.leaves[2]!).replace('a.promise@1', 'a.promise@2'))
    await site.publish()
    expectInvalid(await site.verify({ state }), 'ERR_VERIFY_FORK')
    site.log({ kind: 'promise.withdrawn', key: 'a.promise' })
    await site.publish()
    expectInvalid(await site.verify({ state }), 'ERR_VERIFY_FORK')
  })

  test('is refused under another key, pinned or remembered', async () => {
    const { state } = await site.verify()
    const pinned = formatVerifierKey(site.signer.key)
    site.signer = createSigner()
    await site.publish()
    expectInvalid(await site.verify({ vkey: pinned }), 'ERR_VERIFY_SIGNATURE')
    expectInvalid(await site.verify({ state }), 'ERR_VERIFY_KEY_CHANGED')
  })

  test('is refused when it vanished since the last time', async () => {
    const { state } = await site.verify()
    site.files.delete(`${EVIDENCE}checkpoint`)
    expectInvalid(await site.verify({ state }), 'ERR_VERIFY_MISSING')
  })

  const entry = (change: object): Uint8Array =>
    canonicalBytes({
      ...{
        v: 1,
        id: crypto.randomUUID(),
        at: new Date(START + 500_000).toISOString(),
        kind: 'promise.withdrawn',
        key: 'b.promise',
      },
      ...change,
    })
  const badEntries: [string, string, () => Uint8Array][] = [
    ['white space', 'ERR_VERIFY_ENTRY_CANONICAL', () => utf8(`${fromUtf8(entry({}))} `)],
    ['an unknown member', 'ERR_VERIFY_ENTRY_SHAPE', () => entry({ note: 'x' })],
    [
      'a time before the one before it',
      'ERR_VERIFY_ENTRY_TIME',
      () => entry({ at: new Date(START).toISOString() }),
    ],
    [
      'a time in the future',
      'ERR_VERIFY_ENTRY_TIME',
      () => entry({ at: new Date(NOW + 301_000).toISOString() }),
    ],
    [
      'a second opening',
      'ERR_VERIFY_ORIGIN',
      () => entry({ kind: 'log.opened', key: undefined, origin: ORIGIN, software: 'x' }),
    ],
    [
      'a repeated id',
      'ERR_VERIFY_ENTRY_DUPLICATE',
      () => entry({ id: (JSON.parse(fromUtf8(site.leaves[1]!)) as { id: string }).id }),
    ],
  ]
  test.each(badEntries)('is refused with %s in an entry', async (_, code, make) => {
    await site.logBytes(make()).publishLog()
    expectInvalid(await site.verify(), code)
  })

  test('accepts an entry at the very edge of the allowed future', async () => {
    await site.logBytes(entry({ at: new Date(NOW + 300_000).toISOString() })).publish()
    expect(codesOf(await site.verify())).not.toContain('ERR_VERIFY_ENTRY_TIME')
  })

  test('asks for a newer verifier, without calling the log invalid, where it meets a newer entry', async () => {
    await site.logBytes(entry({ v: 2 })).publishLog()
    const report = await site.verify()
    expect(report).toMatchObject({ valid: false, problems: [], failure: { code: 'ERR_VERIFY_RUN_OUTDATED' } })
    expect(exitCodeOf(report)).toBe(2)
  })

  test('lists an orphaned result as irregular without refusing the log', async () => {
    const observed = { summary: 'x', values: {} }
    await site
      .log({
        kind: 'probe.result',
        key: 'a.promise',
        run: 'never',
        probe: 'a.promise@1',
        outcome: 'broken',
        observed,
      })
      .publish()
    const report = await site.verify()
    expect(report).toMatchObject({ valid: true, counts: { kept: 1 }, problems: [{ severity: 'irregular' }] })
  })
})

describe('a page that says more than its log', () => {
  const lies: [string, string, (page: Shown) => void][] = [
    ['leaves a promise out', 'ERR_VERIFY_PAGE_OMITS', (page) => void page.promises.pop()],
    [
      'calls an unproven promise kept',
      'ERR_VERIFY_PAGE_STATUS',
      (page) => (page.promises[1]!.status = 'kept'),
    ],
    [
      'rewords a sentence',
      'ERR_VERIFY_PAGE_CLAIM',
      (page) => (page.promises[0]!.sentence = 'We always keep it.'),
    ],
    ['hides what it cannot prove', 'ERR_VERIFY_PAGE_CLAIM', (page) => (page.promises[0]!.cannotProve = [])],
    [
      'calls an own check an outside one',
      'ERR_VERIFY_PAGE_CLAIM',
      (page) => (page.promises[0]!.checkedBy = 'outside'),
    ],
    ['shows a promise twice', 'ERR_VERIFY_PAGE_CLAIM', (page) => void page.promises.push(page.promises[0]!)],
    ['gives no proof', 'ERR_VERIFY_PAGE_PROOF', (page) => (page.promises[0]!.proof = null)],
    [
      'proves another entry',
      'ERR_VERIFY_PAGE_PROOF',
      (page) => (page.promises[0]!.entry = toBase64(site.leaves[1]!)),
    ],
    [
      'shows a kept promise nobody declared',
      'ERR_VERIFY_PAGE_STATUS',
      (page) => void page.promises.push({ ...page.promises[0]!, key: 'c.promise' }),
    ],
    ['has no schema', 'ERR_VERIFY_PAGE_SHAPE', (page) => (page.schema = 2)],
    [
      'is dated in the future',
      'ERR_VERIFY_PAGE_CHECKPOINT',
      (page) => (page.generatedAt = new Date(NOW + 300_001).toISOString()),
    ],
    [
      'shows an unsigned checkpoint',
      'ERR_VERIFY_SIGNATURE',
      (page) => (page.checkpoint = page.checkpoint.replace(/\n\d+\n/, '\n99\n')),
    ],
  ]
  test.each(lies)('is refused when it %s', async (_, code, lie) => {
    await site.publishPage(lie)
    expectInvalid(await site.verify(), code)
  })

  test('is refused when it shows a checkpoint of another tree', async () => {
    const fork = [...site.leaves]
    fork[3] = utf8('{}')
    const checkpoint = await site.checkpointOf(fork)
    await site.publishPage((page) => (page.checkpoint = checkpoint))
    expectInvalid(await site.verify(), 'ERR_VERIFY_FORK')
  })

  test('is refused when it is ahead of every checkpoint the log serves', async () => {
    const old = site.files.get(`${EVIDENCE}checkpoint`)!
    await site.check('b.promise', 'kept').publish()
    site.put('checkpoint', old)
    site.put(tilePath({ level: 'entries', index: 0, width: 5 }), formatBundle(site.leaves.slice(0, 5)))
    expectInvalid(await site.verify(), 'ERR_VERIFY_PAGE_CHECKPOINT')
  })

  test('may say less than its log: that is noted', async () => {
    await site.publishPage((page) =>
      Object.assign(page.promises[0]!, { status: 'unproven', entry: null, proof: null }),
    )
    const report = await site.verify()
    expect(report.valid).toBe(true)
    expect(report.notes).toEqual([
      expect.stringContaining('the page says a.promise is unproven, the log says kept'),
    ])
  })
})

describe('a verification that cannot run', () => {
  const failing: [string, string, (url: string) => Promise<Response>][] = [
    ['the network fails', 'ERR_VERIFY_RUN_NETWORK', () => Promise.reject(new TypeError('refused'))],
    ['the server fails', 'ERR_VERIFY_RUN_HTTP', async () => new Response('', { status: 503 })],
    ['there is no log', 'ERR_VERIFY_RUN_HTTP', async () => new Response('', { status: 404 })],
    ['a body never ends', 'ERR_VERIFY_RUN_LIMIT', async () => new Response(new Uint8Array(2000))],
  ]
  test.each(failing)('says so when %s, and blames nobody', async (_, code, fetch) => {
    const report = await site.verify({ fetch })
    expect(report).toMatchObject({ valid: false, problems: [], failure: { code } })
    expect(exitCodeOf(report)).toBe(2)
  })

  test('says so when bundles fail half way', async () => {
    const report = await site.verify({
      fetch: async (url) => (url.includes('/tile/') ? new Response('', { status: 500 }) : site.fetch(url)),
    })
    expect(exitCodeOf(report)).toBe(2)
  })

  test.each([
    ['url', { url: 'file:///etc/passwd' }, 'ERR_VERIFY_RUN_URL'],
    ['pinned key', { vkey: 'nonsense' }, 'ERR_VERIFY_RUN_VKEY'],
    ['state', { state: { schema: 7 } }, 'ERR_VERIFY_RUN_STATE'],
  ])('says so for an unusable %s, before any request', async (_, options, code) => {
    const report = await site.verify(options)
    expect(report.failure?.code).toBe(code)
    expect(site.requests).toEqual([])
  })

  test('reports invalid evidence over everything else: 3 beats 2 and 1', async () => {
    await site.check('b.promise', 'broken').publish()
    await site.publishPage((page) => void page.promises.pop())
    expect(exitCodeOf(await site.verify())).toBe(3)
  })
})

test('reads 20,000 entries without quadratic work', { timeout: 120_000 }, async () => {
  const big = new MemorySite().declare('a.promise')
  const at = new Date(big.atMs).toISOString()
  while (big.leaves.length < 20_000) {
    const id = crypto.randomUUID()
    big.logBytes(canonicalBytes({ v: 1, id, at, kind: 'promise.withdrawn', key: 'b.promise' }))
  }
  await big.publish()
  const startedMs = performance.now()
  const report = await big.verify()
  expect(performance.now() - startedMs).toBeLessThan(30_000)
  expect(report).toMatchObject({ valid: true, checkpoint: { size: 20_000 } })
  expect(report.problems.length + report.furtherProblems).toBe(20_000 - 2)
})
