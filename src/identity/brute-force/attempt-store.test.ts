import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRedis } from '../../../scripts/redis.ts'
import { startTestDatabase, type TestDatabase } from '../../database/testing.ts'
import { manualClock } from '../../kernel/index.ts'
import { identityMigrations } from '../migrations.ts'
import type { SignInAttempt } from '../sign-in-guard.ts'
import { createPostgresAttempts, type AttemptStore, type KeptCount } from './attempt-store.ts'
import { createBruteForceGuard } from './brute-force-guard.ts'
import { createRedisAttempts, type RedisCommand } from './redis-attempts.ts'

const NOW = Date.UTC(2026, 10, 1, 12)
const clock = manualClock(NOW)
const DAY = 86_400_000

interface OpenStore {
  readonly store: AttemptStore
  close(): Promise<void>
}

async function openPostgres(): Promise<OpenStore> {
  const database: TestDatabase = await startTestDatabase({ migrations: [identityMigrations] })
  return { store: createPostgresAttempts(database.owner), close: () => database.close() }
}

async function openRedis(): Promise<OpenStore> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-redis-'))
  const socketPath = join(folder, 'redis.sock')
  const server = spawn(
    findRedis() ?? '',
    ['--port', '0', '--unixsocket', socketPath, '--save', '', '--dir', folder],
    { stdio: 'ignore' },
  )
  const client = await connectRedis(socketPath)
  return {
    store: createRedisAttempts({ send: client.send, clock, system: 'codetime' }),
    async close() {
      client.close()
      await stop(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const stop = (server: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    server.once('exit', () => resolve())
    server.kill()
  })

const DRIVERS = [
  ['Postgres', openPostgres, false],
  ['Redis', openRedis, findRedis() === undefined],
] as const

describe.each(DRIVERS)('counts in %s', (_name, open, missing) => {
  let opened: OpenStore
  let store: AttemptStore
  beforeAll(async () => {
    if (missing) return
    opened = await open()
    store = opened.store
  }, 120_000)
  afterAll(() => opened?.close())

  const kept = (level: number): KeptCount => ({ level, at: NOW, until: 0, forgottenAt: NOW + DAY })

  test.skipIf(missing)('are what was kept, and missing where nothing was', async () => {
    await store.change(['a', 'b'], () => new Map([['a', { ...kept(2.25), until: NOW + 7 }]]))
    expect((await store.read(['a', 'none'])).get('a')).toEqual({ level: 2.25, at: NOW, until: NOW + 7 })
    expect((await store.read(['b', 'none'])).get('b')?.level ?? 0).toBe(0)
    expect((await store.read(['none'])).size).toBe(0)
  })

  test.skipIf(missing)('lose none of many changes at once', async () => {
    const add = (own: string) =>
      store.change(
        ['shared', own],
        (counts) =>
          new Map([
            ['shared', kept((counts.get('shared')?.level ?? 0) + 1)],
            [own, kept(1)],
          ]),
      )
    await Promise.all(Array.from({ length: 40 }, (_, i) => add(`own-${i % 7}`)))
    expect((await store.read(['shared'])).get('shared')?.level).toBe(40)
  })

  test.skipIf(missing)('see each account once, for as long as asked', async () => {
    const see = (account: string, succeeded: boolean, at: number, since = NOW) =>
      store.see({ scopes: ['here', 'everywhere'], account, succeeded, at }, since)
    await see('ada', false, NOW)
    await see('ada', false, NOW + 1)
    await see('ben', false, NOW + 2)
    const seen = await see('ada', true, NOW + 3)
    expect(seen.get('here')).toEqual({ failed: 2, succeeded: 1 })
    expect(seen.get('everywhere')).toEqual({ failed: 2, succeeded: 1 })
    const later = await see('eve', false, NOW + 9, NOW + 2)
    expect(later.get('here')).toEqual({ failed: 2, succeeded: 1 })
    expect((await see('eve', false, NOW + 9, NOW + 9)).get('here')).toEqual({ failed: 1, succeeded: 0 })
  })

  test.skipIf(missing)('stop guessing, from one address and from many', async () => {
    const guard = createBruteForceGuard({ store, clock, secret: 's'.repeat(43) })
    const attempt = (i: number): SignInAttempt => ({
      account: 'ada',
      address: `203.0.${i % 100}.1`,
      device: null,
      method: 'password',
    })
    const tries = await Promise.all(Array.from({ length: 60 }, (_, i) => guard.admit(attempt(i))))
    expect(tries.filter(({ verdict }) => verdict === 'go')).toHaveLength(6)
    expect(await guard.admit(attempt(70))).toMatchObject({ verdict: 'wait' })
  })

  test.skipIf(missing)('throw where they cannot be kept', async () => {
    const failing = createRedisAttempts({
      send: () => Promise.reject(new TypeError('the connection is closed')),
      clock,
      system: 'codetime',
    })
    const guard = createBruteForceGuard({ store: failing, clock, secret: 's'.repeat(43) })
    const attempt = { account: 'ada', address: null, device: null, method: 'password' }
    await expect(guard.admit(attempt)).rejects.toMatchObject({ code: 'ERR_IDENTITY_GUARD' })
  })
})

/** As much of a client as the store needs (RESP 2), over a Unix socket. */
async function connectRedis(path: string): Promise<{ send: RedisCommand; close(): void }> {
  const socket = await connectWhenUp(path)
  const waiting: ((reply: unknown) => void)[] = []
  let rest = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    rest += String(chunk)
    for (let read = readReply(rest, 0); read; read = readReply(rest, 0)) {
      rest = rest.slice(read.next)
      waiting.shift()?.(read.reply)
    }
  })
  return {
    send: async (command) => {
      const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
      const reply = await new Promise((resolve) => {
        waiting.push(resolve)
        socket.write(`*${words.length}\r\n${words.join('')}`)
      })
      if (reply instanceof Error) throw reply
      return reply
    },
    close: () => socket.destroy(),
  }
}

async function connectWhenUp(path: string): Promise<Socket> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(path)
    const up = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    if (up) return socket
    await pause(50)
  }
  throw new Error('Redis did not start')
}

/** The reply that begins at `from`, if it is there whole. */
function readReply(text: string, from: number): { reply: unknown; next: number } | null {
  const end = text.indexOf('\r\n', from)
  if (end < 0) return null
  const [kind, line, next] = [text[from], text.slice(from + 1, end), end + 2]
  if (kind === ':') return { reply: Number(line), next }
  if (kind === '-') return { reply: new Error(line), next }
  if (kind === '$') {
    const length = Number(line)
    if (length < 0) return { reply: null, next }
    return text.length < next + length + 2
      ? null
      : { reply: text.slice(next, next + length), next: next + length + 2 }
  }
  if (kind !== '*') return { reply: line, next }
  const list: unknown[] = []
  let at = next
  for (let i = 0; i < Number(line); i++) {
    const item = readReply(text, at)
    if (!item) return null
    list.push(item.reply)
    at = item.next
  }
  return { reply: list, next: at }
}
