import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readFileKeys } from '../keys/index.ts'
import { openEnvelopes, type OpenedEnvelopes } from '../promises/index.ts'
import { openProbeWorld, type ProbeWorld } from './testing/probe-world.ts'

let world: ProbeWorld
beforeAll(async () => {
  world = await openProbeWorld()
})
afterAll(() => world?.close())
beforeEach(() => world.behindTheLibrary('delete from app.notes'))

describe('encryption.rest', () => {
  test('finds no sealed value in any file, and the planted one', async () => {
    expect(await world.measure('encryption.rest')).toMatchObject({
      outcome: 'kept',
      values: { found: 0, plantedFound: true, envelopes: 0 },
    })
  })

  test('opens what is stored', async () => {
    await world.insertNotes(3)
    expect(await world.measure('encryption.rest')).toMatchObject({
      outcome: 'kept',
      values: { envelopes: 3, opened: 3, failed: 0 },
    })
  })

  test.each([
    [
      'a flipped bit',
      `update app.notes set _envelope = set_byte(_envelope, 40, get_byte(_envelope, 40) # 1)`,
    ],
    ['an edited clear column', `update app.notes set at = at + interval '1 day'`],
    ['a row given to somebody else', `update app.notes set "personId" = gen_random_uuid()`],
  ])('sees %s', async (_, statement) => {
    await world.insertNotes(1)
    await world.behindTheLibrary(statement)
    expect(await world.measure('encryption.rest')).toMatchObject({ outcome: 'broken', values: { failed: 1 } })
  })

  test('sees an app that stores the value in the clear', async () => {
    const measured = await world.measure('encryption.rest', { canaries: world.leakyApp() })
    expect(measured).toMatchObject({ outcome: 'broken', summary: expect.stringContaining('in the clear') })
    await world.database.owner.query('drop table surety.planted_log')
  })

  test('opens as many rows as it may, from a random place on, and reaches every row in time', async () => {
    await world.insertNotes(5)
    await world.behindTheLibrary(
      'update app.notes set _envelope = set_byte(_envelope, 40, get_byte(_envelope, 40) # 1) where id = (select max(id::text)::uuid from app.notes)',
    )
    const runs: OpenedEnvelopes[] = []
    for (let i = 0; i < 60; i++) runs.push(await openEnvelopes(world.context(), 3))
    for (const run of runs) expect(run).toMatchObject({ total: 5, opened: 3 })
    expect(runs.some(({ failed }) => failed === 1)).toBe(true)
    expect(runs.some(({ failed }) => failed === 0)).toBe(true)
  })

  test('searches cells through SQL where the files are out of reach', async () => {
    await world.insertNotes(2)
    const sound = await world.measure('encryption.rest', { remote: true })
    expect(sound).toMatchObject({
      outcome: 'kept',
      summary: expect.stringContaining('cells of the database'),
      values: { plantedFound: true },
    })
    const leaky = await world.measure('encryption.rest', { remote: true, canaries: world.leakyApp() })
    expect(leaky).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('surety.planted_log'),
    })
    await world.database.owner.query('drop table surety.planted_log')
  })

  test('calls a clear column broken under scope=all', async () => {
    expect(await world.measure('encryption.rest', {}, { scope: 'all' })).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('notes.at'),
    })
  })
})

describe('encryption.keys-apart', () => {
  test('finds no key outside the key folder', async () => {
    await world.insertNotes(1)
    const measured = await world.measure('encryption.keys-apart')
    expect(measured).toMatchObject({ outcome: 'kept', values: { found: 0, placementProblems: 0 } })
    expect(measured.values['keys']).toBeGreaterThanOrEqual(4)
  })

  test.each(['base64', 'hex', 'latin1'] as const)('sees a provider key copied as %s', async (encoding) => {
    const [key] = await readFileKeys(world.keyFolder)
    const copy = join(world.dataDir, 'copy')
    await writeFile(copy, encoding === 'latin1' ? key! : key!.toString(encoding))
    expect(await world.measure('encryption.keys-apart')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('copy'),
    })
    await rm(copy)
  })

  test('sees a key of the audit log’s bodies', async () => {
    const copy = join(world.dataDir, 'copy')
    await writeFile(copy, world.periodKey.toString('base64'))
    expect(await world.measure('encryption.keys-apart')).toMatchObject({
      outcome: 'broken',
      summary: expect.stringContaining('audit period key'),
    })
    await rm(copy)
  })

  test.each([
    ['at the last moment', 6 * 60 + 30, 'kept'],
    ['a minute and a half later', 6 * 60 + 32, 'broken'],
  ])('sees a live epoch that did not end: %s', async (_, minutes, outcome) => {
    await world.insertNotes(1)
    const started = (await world.database.owner.query('select starts_at from surety.epoch_keys')).rows[0] as {
      starts_at: Date
    }
    const passed = world.database.clock.now() - started.starts_at.getTime()
    const measured = await world.measure('encryption.keys-apart', { ahead: minutes * 60_000 - passed })
    expect(measured).toMatchObject({ outcome, values: { overdueLadders: outcome === 'kept' ? 0 : 1 } })
    if (outcome === 'broken') expect(measured.summary).toMatch(/^Epoch 1 of the live keys was to end on /)
  })

  test('sees a key folder that others can enter', async () => {
    await chmod(world.keyFolder, 0o755)
    expect(await world.measure('encryption.keys-apart')).toMatchObject({ outcome: 'broken' })
    await chmod(world.keyFolder, 0o700)
  })
})

describe('a search that cannot see', () => {
  test.each(['data.declared-fields', 'encryption.rest', 'encryption.keys-apart'])(
    'leaves %s undecided, never kept',
    async (id) => {
      await world.insertNotes(1)
      const measured = await world.measure(id, { blind: true })
      expect(measured).toMatchObject({ outcome: 'undecided', values: { plantedFound: false } })
    },
  )
})
