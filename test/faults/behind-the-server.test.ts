import { readFileSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemFolder } from '../../src/compose/system-folder.ts'
import { silentLogger, type DatabaseServer } from '../../src/database/index.ts'
import { startServer, WITHOUT_FSYNC } from '../../src/database/server.ts'
import { prepareCluster } from '../../src/database/testing/prepared-cluster.ts'
import { SuretyError, systemClock } from '../../src/kernel/index.ts'
import type { EvidenceEntry } from '../../src/verify/index.ts'
import { openEvidenceLog, openLogSigner } from '../../src/log/index.ts'
import { defineSurety, openSurety, type Surety, type TablesOf } from '../../src/surety.ts'
import { ORIGIN } from './origin.ts'
import { noteOf, notes, writer } from './system.ts'

interface Case {
  readonly attack: string
  readonly caughtBy: string
  readonly saw: string
}

const { behindTheServer: cases } = JSON.parse(
  readFileSync(new URL('../cases/attacks.json', import.meta.url), 'utf8'),
) as { behindTheServer: Case[] }

/** The page before and after somebody has made it promise less. */
const PAGE = `# Security

[We keep logs for a month](promise:retention.logs?atMost=30d), and [store what we declare](promise:data.declared-fields).
`
const WEAKER = PAGE.replace('a month', 'a year').replace('30d', '1y')
const FIELDS = 'data.declared-fields'

type Opened = Surety<TablesOf<{ notes: typeof notes }>>

let base: string
let server: DatabaseServer
let turn = 0
let name: string
let dataDir: string
let page: string

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-behind-'))
  if (process.getuid?.() === 0) await chmod(base, 0o755)
  await prepareCluster(base)
  server = await startServer({ dataDir: base, logger: silentLogger, [WITHOUT_FSYNC]: true })
})
afterAll(async () => {
  await server?.close()
  for (const folder of [base, ...(server ? [dirname(server.databaseDir)] : [])])
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})
beforeEach(async () => {
  name = `behind-${turn++}`
  dataDir = join(base, name)
  page = join(base, `${name}.md`)
  await writeFile(page, PAGE)
})

async function open(): Promise<Opened> {
  const config = defineSurety({
    ...{ name: 'Faults', origin: ORIGIN, page, resources: { notes } },
    roles: { member: ['notes:*:own'] },
  })
  return openSurety(config, { dataDir, name, server, logger: silentLogger })
}

/** What the published log says, as whoever reads its files sees it. */
async function entries(): Promise<readonly EvidenceEntry[]> {
  const log = await openEvidenceLog({
    ...{ origin: `${ORIGIN}/evidence`, folder: systemFolder(dataDir).evidence, access: { mode: 'append' } },
    ...{ clock: systemClock, logger: silentLogger },
    transaction: () => Promise.reject(new TypeError('reads only')),
  })
  return log.entries()
}

async function addColumn(): Promise<void> {
  const client = new pg.Client(server.connect('postgres', `surety_${name.replaceAll('-', '_')}`))
  await client.connect()
  await client.query(`alter table app.notes add column aside text`)
  await client.query(`update app.notes set aside = 'what a person wrote'`)
  await client.end()
}

async function measure(surety: Opened): Promise<string> {
  const [run] = await surety.probe({ site: null, only: [FIELDS] })
  expect(run!.outcome).toBe('broken')
  return run!.summary
}

const codeOf = (refused: unknown): string => (refused instanceof SuretyError ? refused.code : 'no refusal')

/** Each carries out its attack on a system that ran before, and returns what was seen. */
const ATTACKS: Record<string, () => Promise<string>> = {
  async 'edit the page to promise less, and restart'() {
    await (await open()).close()
    await writeFile(page, WEAKER)
    const again = await open()
    await again.published()
    const changes = (await entries()).filter(({ kind }) => kind === 'promise.changed')
    await again.close()
    expect(changes).toMatchObject([
      { previous: 'retention.logs?atMost=30d', promise: { sentence: 'We keep logs for a year' } },
    ])
    return JSON.stringify(changes)
  },
  async 'replace the signing key, and restart'() {
    await (await open()).close()
    const before = await entries()
    const { signingKey } = systemFolder(dataDir)
    const kept = `${signingKey}.kept`
    await copyFile(signingKey, kept)
    await rm(signingKey)
    // Its key bears the right name, and is another one.
    await openLogSigner(join(base, name, 'aside', 'key'), `${ORIGIN}/evidence`)
    await copyFile(join(base, name, 'aside', 'key'), signingKey)
    const refused = await open().catch((error: unknown) => error)
    expect(await entries()).toEqual(before)
    await copyFile(kept, signingKey)
    await (await open()).close()
    return codeOf(refused)
  },
  async 'store plain text in a column of its own'() {
    const surety = await open()
    await surety.as(writer).db.insertInto('notes').values(noteOf(1, 'text')).execute()
    await addColumn()
    const saw = await measure(surety)
    await surety.close()
    return saw
  },
  async 'store plain text in a column of its own, and restart'() {
    await (await open()).close()
    await addColumn()
    return codeOf(await open().catch((error: unknown) => error))
  },
}

test.each(cases)('$attack: $caughtBy tells', async ({ attack, saw }) => {
  expect(await ATTACKS[attack]!()).toContain(saw)
})

test('every one of them stands in the table', () => {
  expect(cases.map(({ attack }) => attack).toSorted()).toEqual(Object.keys(ATTACKS).toSorted())
})
