import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SecurityJson } from '../../src/page/index.ts'
import { searchFolder, textNeedles } from '../../src/promises/index.ts'
import type { VerificationReport } from '../../src/verify/index.ts'
import { buildLogCheck, canBuildLogCheck } from '../go/build.ts'
import { startDemo, type Demo } from './demo.ts'

const FIXTURES = new URL('../fixtures/wakatime/', import.meta.url)
const MEASURED = [
  'access.custom-roles',
  'access.ip-allow-list',
  'access.rbac',
  'access.review?every=184d',
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
  'encryption.rest?scope=personal',
  'guard.headers',
  'monitor.audit-trail',
  'privacy.lawful-basis',
  'retention.logs?atMost=1y',
  'staff.access-controlled',
  'staff.access-logged',
  'staff.privileged?reviewed=1y',
]

interface Captured {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: unknown
  readonly replied: number
}

/** What the captured requests hold of a person: nothing of it may lie in a file. */
const PRIVATE = [
  '/home/dev/src/sample/acme-payments/ledger.ts',
  'acme-payments',
  'feature/secret-merger',
  'ada-thinkpad',
  'Proud Glitter 32',
]

let demo: Demo
beforeAll(async () => {
  demo = await startDemo()
}, 300_000)
afterAll(() => demo?.close())

describe('the coding-metrics system, started as a newcomer does', () => {
  test('is ready in time, and ready.json says how to reach it', () => {
    expect(demo.ready).toMatchObject({
      schema: 1,
      dataDir: demo.dataDir,
      systems: { 'coding-metrics': { url: expect.stringContaining('http') } },
    })
    expect(demo.system.people.map(({ role }) => role)).toEqual([
      'member',
      'administrator',
      'staff:support',
      'staff:lead',
      'staff:lead',
    ])
    // Not a timed test: a start that takes minutes would be another defect than a slow machine.
    expect(demo.startedInMs).toBeLessThan(240_000)
  })

  test('answers every captured request of the real client as the client expects', async () => {
    const captured = await readCaptured()
    expect(captured.length).toBeGreaterThanOrEqual(7)
    for (const request of captured) {
      const response = await replay(request)
      expect([request.url, response.status < 300]).toEqual([request.url, true])
      if (!Array.isArray(request.body)) continue
      const { responses } = (await response.json()) as { responses: [unknown, number][] }
      expect(responses.map(([, status]) => status)).toEqual(request.body.map(() => 201))
    }
  })

  test('gives back what it declares, and nothing that nobody declared', async () => {
    const { data } = (await get(`/api/v1/users/current/heartbeats?date=${today()}`)) as {
      data: Record<string, unknown>[]
    }
    const stored = data.filter(({ entity }) => entity === PRIVATE[0])
    expect(stored.length).toBeGreaterThan(0)
    expect(stored[0]).toMatchObject({
      project: 'acme-payments',
      branch: 'feature/secret-merger',
      language: 'TypeScript',
    })
    expect(JSON.stringify(stored)).not.toContain('project_root_count')
  })

  test('stores no path, project, branch or host name in any file, plain, UTF-16, hex or base64', async () => {
    const planted = 'planted-positive-control-value'
    await writeFile(join(demo.dataDir, 'planted'), Buffer.from(planted).toString('base64'))
    const needles = [...PRIVATE, planted].flatMap((text) => textNeedles(text, text))
    const folders = [...new Set([demo.dataDir, demo.ready.databaseDir])]
    const found = await Promise.all(folders.map((folder) => searchFolder(folder, needles)))
    const hits = found.flatMap(({ hits: each }) => each)
    expect(hits.filter(({ label }) => label !== planted)).toEqual([])
    expect(hits.some(({ label }) => label === planted)).toBe(true)
    expect(found.reduce((files, each) => files + each.files, 0)).toBeGreaterThan(500)
  })

  test('shows the twenty-two promises measured and kept, and the others unproven', async () => {
    const { promises } = await waitForPage(
      ({ promises: all }) => all.filter(({ status }) => status === 'kept').length >= MEASURED.length,
    )
    expect(
      promises
        .filter(({ status }) => status === 'kept')
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(MEASURED)
    expect(promises.filter(({ status }) => status === 'broken')).toEqual([])
    const unproven = promises.filter(({ status }) => status === 'unproven')
    expect(unproven.length).toBeGreaterThan(5)
    for (const { entry, proof } of unproven) expect([entry, proof]).toEqual([null, null])
  }, 400_000)

  test('surety verify agrees, remembers, and says what it saw for the first time', async () => {
    const state = join(demo.dataDir, 'verifier-state.json')
    const first = await demo.surety('verify', demo.system.url, '--vkey', demo.system.vkey, '--state', state)
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('first seen') })
    const again = await demo.surety('verify', demo.system.url, '--state', state, '--json')
    expect(again.code).toBe(0)
    const report = JSON.parse(again.stdout) as VerificationReport & {
      outside: { key: string; problem: string | null }[]
    }
    expect(report).toMatchObject({ valid: true, firstSeen: false, keySource: 'remembered' })
    const outside = Object.fromEntries(report.outside.map(({ key, problem }) => [key, problem]))
    expect(outside).toEqual({ 'disclosure.contact': null, 'guard.headers': null })
  })

  test.skipIf(!canBuildLogCheck())('a program in Go, on a library of others, agrees', async () => {
    const binary = join(demo.dataDir, 'verify-log')
    await buildLogCheck(binary)
    const log = `${demo.system.url}/.well-known/surety/evidence/`
    const { stdout } = await promisify(execFile)(binary, ['-vkey', demo.system.vkey, log])
    expect(stdout).toMatch(/^verified \d+ entries of codetime\.example\/evidence/)
  })

  test('surety verify --strict refuses unproven promises, and a wrong key is refused outright', async () => {
    expect((await demo.surety('verify', demo.system.url, '--strict')).code).toBe(1)
    const wrong = 'codetime.example/evidence+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
    expect((await demo.surety('verify', demo.system.url, '--vkey', wrong)).code).not.toBe(0)
  })

  test('surety probe measures one promise on demand', async () => {
    const run = await demo.surety('probe', 'guard.headers', '--json')
    expect(JSON.parse(run.stdout)).toMatchObject({ runs: [{ id: 'guard.headers', outcome: 'kept' }] })
    expect(run.code).toBe(0)
  })

  test('surety check lists the prose that no promise stands behind', async () => {
    const check = await demo.surety('check', '--json')
    const { findings } = JSON.parse(check.stdout) as { findings: { level: string; rule: string }[] }
    expect(check.code).toBe(0)
    expect(findings.some(({ rule }) => rule === 'unbound')).toBe(true)
    expect(findings.some(({ level }) => level === 'error')).toBe(false)
    const sarif = JSON.parse((await demo.surety('check', '--format', 'sarif')).stdout) as {
      version: string
      runs: { results: unknown[] }[]
    }
    expect(sarif).toMatchObject({ version: '2.1.0' })
    expect(sarif.runs[0]!.results).toHaveLength(findings.length)
  })

  test('surety migrate has nothing to do', async () => {
    expect(await demo.surety('migrate')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('as the data map declares it'),
    })
  })

  test('the API key never reaches a log', async () => {
    const key = demo.system.apiKey
    await fetch(`${demo.system.url}/api/v1/users/current/heartbeats.bulk?api_key=${key}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(JSON.stringify([])),
    })
    const logs = join(demo.dataDir, 'coding-metrics', 'logs')
    const { hits, files } = await searchFolder(logs, textNeedles('the API key', key))
    expect(files).toBeGreaterThan(0)
    expect(hits).toEqual([])
  })
})

describe('attacks on the demo, in the order of the damage they leave', () => {
  test.each(['tamper-row', 'move-ciphertext'])(
    '%s breaks encryption.rest, and verify says so',
    async (attack) => {
      const run = await demo.surety('attack', attack)
      expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('caught by encryption.rest') })
      expect((await demo.surety('verify', demo.system.url)).code).toBe(1)
    },
  )

  test('cut-tail makes the evidence invalid for whoever remembers it', async () => {
    const state = join(demo.dataDir, 'before-cut.json')
    expect((await demo.surety('verify', demo.system.url, '--state', state)).code).toBe(1)
    const run = await demo.surety('attack', 'cut-tail')
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('caught by surety verify --state') })
    expect(run.stdout).toContain('surety verify exits with 3')
    expect((await demo.surety('verify', demo.system.url, '--state', state)).code).toBe(3)
  })

  test('a log that went back is said to be damaged, and the system reports itself as failing', async () => {
    const page = await fetch(`${demo.system.url}/security`, { headers: { accept: 'text/html' } })
    expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('does not hold together')])
    expect((await fetch(`${demo.system.url}/healthz`)).status).toBe(503)
  })
})

async function readCaptured(): Promise<Captured[]> {
  const names = (await readdir(FIXTURES)).filter((name) => /^cli-.*\.json$/.test(name)).toSorted()
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(new URL(name, FIXTURES), 'utf8')) as Captured),
  )
}

/** The captured request with this demo's key, moved to the present: its times lie on the day of the capture. */
function replay({ method, url, headers, body }: Captured): Promise<Response> {
  const { authorization: _, host: __, 'content-length': ___, ...kept } = headers
  const items = Array.isArray(body)
    ? body.map((item: Record<string, unknown>, index) => ({ ...item, time: Date.now() / 1_000 - index }))
    : body
  return fetch(`${demo.system.url}${url}`, {
    method,
    headers: { ...kept, authorization: `Basic ${btoa(demo.system.apiKey)}` },
    ...(method === 'POST' ? { body: JSON.stringify(items) } : {}),
  })
}

async function get(path: string): Promise<unknown> {
  const response = await fetch(`${demo.system.url}${path}`, {
    headers: { authorization: `Basic ${btoa(demo.system.apiKey)}` },
  })
  expect(response.status).toBe(200)
  return response.json()
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}

async function waitForPage(holds: (page: SecurityJson) => boolean): Promise<SecurityJson> {
  for (let tries = 0; tries < 600; tries++) {
    // A connection that was kept open may end just when it is used again; a demo that is down stays down.
    const answer = await fetch(`${demo.system.url}/security.json`).catch(() => null)
    const page = answer && ((await answer.json()) as SecurityJson)
    if (page && holds(page)) return page
    await sleep(500)
  }
  return (await (await fetch(`${demo.system.url}/security.json`)).json()) as SecurityJson
}
