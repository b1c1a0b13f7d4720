import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import save from '../../../test/fixtures/wakatime/cli-001.json' with { type: 'json' }
import three from '../../../test/fixtures/wakatime/cli-002.json' with { type: 'json' }
import flush from '../../../test/fixtures/wakatime/cli-offline-flush-25.json' with { type: 'json' }
import { createPerson, removePerson } from './people.ts'
import { startTestSystem, TEST_NOW, type TestSystem } from './testing.ts'

let system: TestSystem
beforeAll(async () => {
  system = await startTestSystem()
}, 240_000)
afterAll(() => system.close())

const HEARTBEATS = '/users/current/heartbeats'
const BULK = `${HEARTBEATS}.bulk`
type Reply = { responses: [Record<string, unknown> & { data?: { id: string }; code?: string }, number][] }

let people = 0
/** A person of their own team, so that tests do not see each other's heartbeats. */
async function newPerson() {
  const email = `person-${++people}@codetime.example`
  return createPerson(system.backend, { email, displayName: 'Somebody', role: 'member' })
}
async function listed(key: string, date = '2026-11-22'): Promise<Record<string, unknown>[]> {
  const response = await system.api(`${HEARTBEATS}?date=${date}&timezone=UTC`, { key })
  expect(response.status).toBe(200)
  return ((await response.json()) as { data: Record<string, unknown>[] }).data
}
const at = (seconds: number) => TEST_NOW / 1000 + seconds
const beat = (more: object = {}) => ({ entity: '/src/main.ts', time: at(-60), ...more })
async function replyOf(response: Response): Promise<Reply> {
  return (await response.json()) as Reply
}
const statuses = ({ responses }: Reply) => responses.map(([, status]) => status)
const codes = ({ responses }: Reply) => responses.map(([body]) => body.code ?? null)

describe('the real client', () => {
  test('gets its captured requests accepted one by one, in order', async () => {
    const { apiKey: key } = await newPerson()
    const headers = {
      'x-machine-name': 'ada-thinkpad',
      timezone: 'Etc/UTC',
      'user-agent': save.headers['user-agent'],
    }
    for (const request of [save, three, flush]) {
      const response = await system.post(BULK, request.body, { key, headers })
      expect(response.status).toBe(202)
      expect(statuses(await replyOf(response))).toEqual(request.body.map(() => 201))
    }
    const stored = await listed(key, '2026-11-21')
    expect(stored).toHaveLength(29)
    expect(stored.find(({ time }) => time === 1_795_300_882.139)).toEqual({
      id: expect.any(String),
      created_at: '2026-11-22T12:00:00.000Z',
      time: 1_795_300_882.139,
      entity: '/home/dev/src/sample/acme-payments/ledger.ts',
      type: 'file',
      category: 'coding',
      language: 'TypeScript',
      project: 'acme-payments',
      branch: 'feature/secret-merger',
      machine_name: 'ada-thinkpad',
      user_agent: save.headers['user-agent'],
      dependencies: ['express', 'fs'],
      is_write: true,
      lines: 4,
      lineno: 3,
      cursorpos: 5,
    })
  })

  test('gets one heartbeat without an array answered both ways', async () => {
    const { apiKey: key } = await newPerson()
    const response = await system.post(HEARTBEATS, beat(), { key })
    expect(response.status).toBe(201)
    const reply = (await response.json()) as Reply & { data: { id: string } }
    expect(reply.responses[0]?.[0].data?.id).toBe(reply.data.id)
    const refused = await system.post(HEARTBEATS, beat({ time: 5 }), { key })
    expect(refused.status).toBe(400)
    expect(codes(await replyOf(refused))).toEqual(['ERR_HEARTBEAT_TOO_OLD'])
  })

  test('may send JSON twice encoded with the key in the URL, and the key stays out of the log', async () => {
    const { apiKey } = await newPerson()
    const response = await fetch(`${system.url}/api/v1${BULK}?api_key=${apiKey}`, {
      method: 'POST',
      body: JSON.stringify(JSON.stringify([beat()])),
    })
    expect(response.status).toBe(202)
    expect(statuses(await replyOf(response))).toEqual([201])
    expect(system.logged.length).toBeGreaterThan(0)
    expect(system.logged.join('\n')).not.toContain(apiKey)
  })

  test('may send a body in chunks, without announcing its length', async () => {
    const { apiKey } = await newPerson()
    const body = new ReadableStream({
      start(controller) {
        for (const byte of new TextEncoder().encode(JSON.stringify([beat()])))
          controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    const headers = { authorization: `Basic ${btoa(apiKey)}` }
    expect((await fetch(`${system.url}/api/v1${BULK}`, { ...init, headers })).status).toBe(202)
  })

  test('may use Bearer', async () => {
    const { apiKey } = await newPerson()
    const headers = { authorization: `Bearer ${apiKey}` }
    expect((await system.post(BULK, [beat()], { headers })).status).toBe(202)
  })
})

describe('what arrives twice', () => {
  test('is stored once and answered with the id it has', async () => {
    const { apiKey: key } = await newPerson()
    const first = await replyOf(await system.post(BULK, [beat(), beat()], { key }))
    const again = await replyOf(await system.post(BULK, [beat({ project: 'other' })], { key }))
    const ids = [...first.responses, ...again.responses].map(([body]) => body.data?.id)
    expect(statuses(again)).toEqual([201])
    expect(new Set(ids).size).toBe(1)
    expect(await listed(key)).toHaveLength(1)
  })

  test('is stored once also when the requests race', async () => {
    const { apiKey: key } = await newPerson()
    const batch = Array.from({ length: 10 }, (_, i) => beat({ time: at(-i) }))
    const replies = await Promise.all(
      Array.from({ length: 4 }, async () => replyOf(await system.post(BULK, batch, { key }))),
    )
    for (const reply of replies) expect(statuses(reply)).toEqual(batch.map(() => 201))
    expect(await listed(key)).toHaveLength(10)
  })

  test('is two heartbeats 30 ms apart', async () => {
    const { apiKey: key } = await newPerson()
    await system.post(BULK, [beat(), beat({ time: at(-59.97) })], { key })
    expect(await listed(key)).toHaveLength(2)
  })

  test('is two heartbeats in two files or from two people', async () => {
    const [one, other] = [await newPerson(), await newPerson()]
    await system.post(BULK, [beat(), beat({ entity: '/src/other.ts' })], { key: one.apiKey })
    await system.post(BULK, [beat()], { key: other.apiKey })
    expect(await listed(one.apiKey)).toHaveLength(2)
    expect(await listed(other.apiKey)).toHaveLength(1)
  })
})

describe('refusals of one heartbeat', () => {
  test('stand in its place with status 400, and the others are stored', async () => {
    const { apiKey: key } = await newPerson()
    const items = [
      beat(),
      beat({ time: at(-367 * 86_400) }),
      beat({ time: at(25 * 3_600) }),
      beat({ entity: 'nul\0' }),
      beat({ project: '\ud800' }),
      beat({ lineno: {} }),
      'no heartbeat',
      null,
      beat({ time: at(-30), category: null, lineno: '12' }),
    ]
    const response = await system.post(BULK, items, { key })
    expect(response.status).toBe(202)
    const reply = await replyOf(response)
    expect(statuses(reply)).toEqual([201, 400, 400, 400, 400, 400, 400, 400, 201])
    expect(codes(reply)).toEqual([
      null,
      'ERR_HEARTBEAT_TOO_OLD',
      'ERR_HEARTBEAT_TOO_NEW',
      'ERR_HEARTBEAT_TEXT',
      'ERR_HEARTBEAT_TEXT',
      'ERR_HEARTBEAT_TYPE',
      'ERR_HEARTBEAT_SHAPE',
      'ERR_HEARTBEAT_SHAPE',
      null,
    ])
    expect(await listed(key)).toHaveLength(2)
  })

  test('begin with the 26th', async () => {
    const { apiKey: key } = await newPerson()
    const items = Array.from({ length: 27 }, (_, i) => beat({ time: at(-i) }))
    const reply = await replyOf(await system.post(BULK, items, { key }))
    expect(statuses(reply)).toEqual([...Array<number>(25).fill(201), 400, 400])
    expect(codes(reply).slice(25)).toEqual(['ERR_HEARTBEAT_SURPLUS', 'ERR_HEARTBEAT_SURPLUS'])
    expect(await listed(key)).toHaveLength(25)
  })

  test('leave nothing when nothing is acceptable, and an empty array is no error', async () => {
    const { apiKey: key } = await newPerson()
    expect(statuses(await replyOf(await system.post(BULK, [{}, {}], { key })))).toEqual([400, 400])
    expect(await replyOf(await system.post(BULK, [], { key }))).toEqual({ responses: [] })
    expect(await listed(key)).toEqual([])
  })
})

describe('refusals of a whole request', () => {
  const raw = (body: BodyInit, headers = {}) => system.api(BULK, { method: 'POST', body, headers })

  test.each([
    ['half a body', '[{"entity":"x","time":1', 400],
    ['no JSON', 'entity=x', 400],
    ['a number', '42', 400],
    ['a thousand levels', '['.repeat(1_000), 400],
    ['bytes that are no UTF-8', Uint8Array.of(0x5b, 0xff, 0x5d), 400],
    ['a thousand and one items', JSON.stringify(Array(1_001).fill(0)), 400],
  ])('answer %s with a code', async (_, body, status) => {
    const response = await raw(body as BodyInit)
    expect(response.status).toBe(status)
    expect(await response.json()).toHaveProperty('code', expect.stringMatching(/^ERR_WAKATIME_BODY_/))
  })

  test('answer 10 MB with 413, announced or not, and the server stays up', async () => {
    const big = JSON.stringify([beat({ project: 'x'.repeat(10_000_000) })])
    expect((await raw(big)).status).toBe(413)
    const unannounced = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(big))
        controller.close()
      },
    })
    const init = { method: 'POST', body: unannounced, duplex: 'half' } as RequestInit
    const headers = { authorization: `Basic ${btoa(system.apiKey)}` }
    const answer = await fetch(`${system.url}/api/v1${BULK}`, { ...init, headers }).then(
      ({ status }) => status,
      () => 'cut off',
    )
    expect([413, 'cut off']).toContain(answer)
    expect((await system.api('/users/current')).status).toBe(200)
  })

  test('answer an encoding with 415', async () => {
    expect((await raw('x', { 'content-encoding': 'gzip' })).status).toBe(415)
  })

  test('answer no key, a wrong key and a wrong scheme with 401', async () => {
    for (const authorization of ['', `Basic ${btoa(`waka_${'0'.repeat(32)}`)}`, 'Digest x', 'Basic %%%']) {
      const response = await system.api(BULK, { method: 'POST', body: '[]', headers: { authorization } })
      expect(response.status).toBe(401)
      expect(await response.json()).toHaveProperty('code', expect.stringMatching(/^ERR_WAKATIME_KEY_/))
    }
  })

  test('answer a removed account’s key with 401, so that an offline queue resurrects nothing', async () => {
    const { person, apiKey: key } = await newPerson()
    expect((await system.post(BULK, [beat()], { key })).status).toBe(202)
    await removePerson(system.backend, person)
    expect((await system.post(BULK, flush.body, { key })).status).toBe(401)
    const { db } = system.surety.as(system.surety.system('test', ['heartbeats']))
    expect(
      await db.selectFrom('heartbeats').select('id').where('personId', '=', person.id).execute(),
    ).toEqual([])
  })
})

describe('a client that drops the connection', () => {
  test('leaves nothing half-stored and a server that answers', async () => {
    const { apiKey: key } = await newPerson()
    const body = JSON.stringify([beat(), beat({ time: at(-30) })])
    for (const sent of [0, 1, body.length - 1]) await dropAfter(body, sent, key)
    expect(await listed(key)).toEqual([])
    expect((await system.post(BULK, [beat()], { key })).status).toBe(202)
  })

  async function dropAfter(body: string, sent: number, key: string) {
    const { hostname, port } = new URL(system.url)
    const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname)
    const head = [
      `POST /api/v1${BULK} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      `Authorization: Basic ${btoa(key)}`,
      `Content-Length: ${body.length}`,
      '',
      body.slice(0, sent),
    ].join('\r\n')
    await new Promise<void>((resolve) => {
      socket.on('error', () => resolve())
      socket.write(head, () => {
        setTimeout(() => {
          socket.destroy()
          resolve()
        }, 50)
      })
    })
  }
})
