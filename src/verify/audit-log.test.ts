import { beforeEach, describe, expect, test } from 'vitest'
import { toBase64, utf8 } from '../kernel/index.ts'
import type { VerificationReport } from './report.ts'
import { exitCodeOf } from './report.ts'
import { AUDIT_PATH } from './source.ts'
import { AUDIT_ORIGIN, MemoryAudit } from './testing/memory-audit.ts'
import { createSigner, MemorySite } from './testing/memory-site.ts'
import { tilePath } from './tile.ts'

let site: MemorySite
let audit: MemoryAudit

/** 1,000 entries, of which the evidence log names the first 700. */
beforeEach(async () => {
  site = new MemorySite().declare('monitor.audit-trail')
  audit = await new MemoryAudit(site.files).grow(700).publish()
  await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
  await audit.grow(300).publish()
})

function expectRefuted(report: VerificationReport, code: string): void {
  expect(report.problems.map((problem) => problem.code)).toEqual([code])
  expect(report.steps.find(({ outcome }) => outcome === 'failed')).toMatchObject({ id: 'audit' })
  expect(exitCodeOf(report)).toBe(3)
}

describe('an honest audit log', () => {
  test('is held against what the evidence log names, and remembered', async () => {
    const report = await site.verify()
    expect(report).toMatchObject({ valid: true, state: { audit: { size: 1_000 } } })
    expect(report.steps.find(({ id }) => id === 'audit')).toMatchObject({
      outcome: 'passed',
      detail: '1000 entries, continuing the one tree that the evidence log names',
    })
    await audit.grow(1).publish()
    const again = await site.verify({ state: JSON.parse(JSON.stringify(report.state)) })
    expect(again).toMatchObject({ valid: true, state: { audit: { size: 1_001 } } })
  })

  test('is read in a few tiles, however long it is', async () => {
    await audit.grow(20_000).publish()
    site.requests = []
    expect(await site.verify()).toMatchObject({ valid: true })
    expect(site.requests.filter((path) => path.startsWith(`${AUDIT_PATH}tile/`)).length).toBeLessThan(8)
  })

  test('continues every tree that the evidence log ever named, at a tile for each', async () => {
    for (let named = 0; named < 40; named++) {
      await audit.grow(named % 2 === 0 ? 300 : 1).publish()
      for (let twice = 0; twice < 2; twice++) site.check('monitor.audit-trail', 'kept', audit.recorded())
    }
    await site.publish()
    site.requests = []
    const report = await site.verify()
    expect(report).toMatchObject({ valid: true })
    expect(report.steps.find(({ id }) => id === 'audit')?.detail).toBe(
      '7020 entries, continuing each of the 41 trees that the evidence log names',
    )
    const tiles = site.requests.filter((path) => path.startsWith(`${AUDIT_PATH}tile/`))
    expect(tiles.length).toBeLessThan(41 + 8)
  })

  test('is the same where the evidence log named it while it was empty', async () => {
    const other = new MemorySite().declare('monitor.audit-trail')
    const young = await new MemoryAudit(other.files).publish()
    other.check('monitor.audit-trail', 'kept', young.recorded())
    await young.grow(3).publish()
    await other.check('monitor.audit-trail', 'kept', young.recorded()).publish()
    expect(await other.verify()).toMatchObject({ valid: true })
  })

  test('may have replaced a partial tile by its full one since', async () => {
    const old = site.files.get(`${AUDIT_PATH}checkpoint`)!
    await audit.grow(200).publish()
    site.files.set(`${AUDIT_PATH}checkpoint`, old)
    expect(site.files.delete(AUDIT_PATH + tilePath({ level: 0, index: 3, width: 232 }))).toBe(true)
    expect(await site.verify()).toMatchObject({ valid: true })
  })

  test('is not asked for where the evidence log names none, nor by an older state', async () => {
    const other = await new MemorySite().declare('a.promise').publish()
    const report = await other.verify()
    expect(report).toMatchObject({ valid: true, state: { audit: null } })
    expect(report.steps.find(({ id }) => id === 'audit')).toMatchObject({ outcome: 'skipped' })
    const { audit: _, ...older } = report.state!
    expect(await other.verify({ state: older })).toMatchObject({ valid: true })
  })
})

describe('an audit log that is not the one seen before', () => {
  test('is refused when it was cut', async () => {
    audit.leaves.length = 699
    await audit.publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_ROLLBACK')
  })

  test('is refused when it was cut to what the evidence log names, by who remembers more', async () => {
    const { state } = await site.verify()
    audit.leaves.length = 700
    await audit.publish()
    expect(await site.verify()).toMatchObject({ valid: true })
    expectRefuted(await site.verify({ state }), 'ERR_VERIFY_ROLLBACK')
  })

  test('is refused when a recorded entry was rewritten and all signed anew', async () => {
    audit.leaves[3] = new Uint8Array(32)
    await audit.publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_FORK')
    audit.leaves.length = 700
    await audit.publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_FORK')
  })

  test('is refused when it was forked and what it is now was recorded since', async () => {
    audit.leaves[3] = new Uint8Array(32)
    await audit.publish()
    await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_FORK')
  })

  test('is refused when it was cut and what is left was recorded since', async () => {
    audit.leaves.length = 650
    await audit.publish()
    await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_ROLLBACK')
  })

  test('is refused where the evidence log names two trees of one size', async () => {
    const root = toBase64(new Uint8Array(32).fill(7))
    site.check('monitor.audit-trail', 'kept', { ...audit.recorded(), auditRoot: root })
    await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_FORK')
  })

  test('is refused where the evidence log named another key before', async () => {
    audit.signer = createSigner(AUDIT_ORIGIN)
    await audit.publish()
    await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_KEY_CHANGED')
  })

  test('is refused when an entry was rewritten that only a visitor has seen', async () => {
    const { state } = await site.verify()
    audit.leaves[900] = new Uint8Array(32)
    await audit.grow(50).publish()
    expect(await site.verify()).toMatchObject({ valid: true })
    expectRefuted(await site.verify({ state }), 'ERR_VERIFY_FORK')
  })

  test('is refused under another key, whether it is served, recorded or remembered', async () => {
    const { state } = await site.verify()
    audit.signer = createSigner(AUDIT_ORIGIN)
    await audit.publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_KEY_CHANGED')
    // The key served is the old one, the signature is not.
    site.files.set(`${AUDIT_PATH}vkey`, utf8(`${String(audit.first.auditVkey)}\n`))
    expectRefuted(await site.verify(), 'ERR_VERIFY_SIGNATURE')
    await audit.publish()
    await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
    expectRefuted(await site.verify({ state }), 'ERR_VERIFY_KEY_CHANGED')
  })

  test('is refused under a key of another system', async () => {
    audit.signer = createSigner('other.example/audit')
    await audit.publish()
    await site.check('monitor.audit-trail', 'kept', audit.recorded()).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_ORIGIN')
  })

  test.each(['vkey', 'checkpoint', tilePath({ level: 0, index: 2, width: 256 })])(
    'is refused when %s is withheld',
    async (path) => {
      expect(site.files.delete(AUDIT_PATH + path)).toBe(true)
      expectRefuted(await site.verify(), 'ERR_VERIFY_MISSING')
    },
  )

  test('is refused with a tile that was changed or is short', async () => {
    site.flip(`${AUDIT_PATH}${tilePath({ level: 0, index: 2, width: 256 })}`)
    expectRefuted(await site.verify(), 'ERR_VERIFY_FORK')
    site.files.set(`${AUDIT_PATH}${tilePath({ level: 0, index: 2, width: 256 })}`, new Uint8Array(31))
    expectRefuted(await site.verify(), 'ERR_VERIFY_TILE')
  })

  test.each([
    [{ auditSize: -1 }],
    [{ auditSize: '700' }],
    [{ auditRoot: 'not a root' }],
    [{ auditRoot: toBase64(new Uint8Array(31)) }],
    [{ auditVkey: 7 }],
  ])('is refused where the evidence log names it as %j', async (change) => {
    await site.check('monitor.audit-trail', 'kept', { ...audit.recorded(), ...change }).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_ENTRY_SHAPE')
  })

  test('is refused where the evidence log names no key as its key', async () => {
    await site.check('monitor.audit-trail', 'kept', { ...audit.recorded(), auditVkey: 'x' }).publish()
    expectRefuted(await site.verify(), 'ERR_VERIFY_KEY_CHANGED')
  })

  test('cannot be forgotten by a state that is malformed', async () => {
    const { state } = await site.verify()
    for (const change of [{ size: '1' }, { rootHash: 'x' }, { vkey: 'x' }, { checkpoint: 1 }]) {
      const report = await site.verify({ state: { ...state, audit: { ...state!.audit, ...change } } })
      expect(report.failure).toMatchObject({ code: 'ERR_VERIFY_RUN_STATE' })
    }
  })
})
