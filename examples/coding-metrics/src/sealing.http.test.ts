import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import save from '../../../test/fixtures/wakatime/cli-001.json' with { type: 'json' }
import flush from '../../../test/fixtures/wakatime/cli-offline-flush-25.json' with { type: 'json' }
import { startTestSystem, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem()
  const headers = { 'x-machine-name': save.headers['x-machine-name'], timezone: 'Etc/UTC' }
  for (const { body } of [save, flush]) {
    expect((await system.post('/users/current/heartbeats.bulk', body, { headers })).status).toBe(202)
  }
}, 240_000)
afterAll(() => system.close())

/** What of the captured requests says something about a person. */
const PERSONAL = [
  'acme-payments',
  'ledger.ts',
  'feature/secret-merger',
  'ada-thinkpad',
  'vscode-wakatime',
  'ada@codetime.example',
]

/** The text as bytes that a file could hold: plain, UTF-16, hex, and base64 at each of its three offsets. */
function needles(text: string): Buffer[] {
  const base64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]).toString('base64')
    return Buffer.from(encoded.slice(offset === 0 ? 0 : offset + 1, -4))
  })
  const hex = Buffer.from(text).toString('hex')
  return [
    Buffer.from(text),
    Buffer.from(text, 'utf16le'),
    Buffer.from(text, 'utf16le').swap16(),
    Buffer.from(hex),
    Buffer.from(hex.toUpperCase()),
    ...base64,
  ]
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** Texts found in the data folders, and how many files were looked at. */
async function search(texts: readonly string[]): Promise<{ found: string[]; files: number }> {
  const wanted = texts.map((text) => ({ text, forms: needles(text) }))
  const files = (await Promise.all([system.dataDir, system.surety.databaseDir!].map(filesIn))).flat()
  const found = new Set<string>()
  for (const file of new Set(files)) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0))
    for (const { text, forms } of wanted) if (forms.some((form) => bytes.includes(form))) found.add(text)
  }
  return { found: [...found], files: files.length }
}

test('no path, project, branch, computer, editor or address is in the data folders, in any form', async () => {
  const { found, files } = await search(PERSONAL)
  expect(files).toBeGreaterThan(500)
  expect(found).toEqual([])
})

test('what is declared to be clear is found there: the search can find', async () => {
  const { found } = await search(['TypeScript', 'surety_app'])
  expect(found).toContain('TypeScript')
})

test('neither the API key nor a session is in the data folders, but for the demo’s own file', async () => {
  const session = system.people[0]!.cookie.split('=')[1]!
  expect((await search([session])).found).toEqual([])
  const { db } = system.surety.as(system.surety.system('test', ['api_keys']))
  const rows = await db.selectFrom('api_keys').select('keyHash').execute()
  expect(rows.map(({ keyHash }) => keyHash).join()).not.toContain(system.apiKey)
})

test('the twenty-two promises with a mechanism are measured and kept', async () => {
  const runs = await system.surety.probe({ site: system.url })
  const others = runs
    .filter(({ outcome }) => outcome !== 'kept')
    .map(({ key, outcome, summary }) => `${key} ${outcome}: ${summary}`)
  expect(others).toEqual([])
  expect(runs.map(({ id }) => id).toSorted()).toEqual([
    'access.custom-roles',
    'access.ip-allow-list',
    'access.rbac',
    'access.review',
    'access.tenant-isolation',
    'auth.brute-force',
    'auth.mfa',
    'auth.oauth',
    'auth.passwords',
    'data.declared-fields',
    'data.inventory',
    'disclosure.contact',
    'encryption.keys-apart',
    'encryption.passwords',
    'encryption.rest',
    'guard.headers',
    'monitor.audit-trail',
    'privacy.lawful-basis',
    'retention.logs',
    'staff.access-controlled',
    'staff.access-logged',
    'staff.privileged',
  ])
}, 600_000)
