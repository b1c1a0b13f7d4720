import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemFolder, type SystemFolder } from '../../src/compose/system-folder.ts'
import { silentLogger } from '../../src/database/index.ts'
import { startServer, WITHOUT_FSYNC } from '../../src/database/server.ts'
import { prepareCluster } from '../../src/database/testing/prepared-cluster.ts'
import type { DatabaseServer } from '../../src/database/index.ts'
import { systemClock, type Clock } from '../../src/kernel/index.ts'
import { openSurety, type Surety } from '../../src/surety.ts'
import type { TablesOf } from '../../src/declare/index.ts'
import { config, noteOf, writer, type notes } from './system.ts'

const DAY_MS = 86_400_000
const CLAIM = 'privacy.lawful-basis'

type Opened = Surety<TablesOf<{ notes: typeof notes }>>

let base: string
let server: DatabaseServer
let turn = 0

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-openings-'))
  if (process.getuid?.() === 0) await chmod(base, 0o755)
  await prepareCluster(base)
  server = await startServer({ dataDir: base, logger: silentLogger, [WITHOUT_FSYNC]: true })
})
afterAll(async () => {
  await server?.close()
  for (const folder of [base, ...(server ? [dirname(server.databaseDir)] : [])])
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** One system, opened and closed as often as a test likes. */
class System {
  readonly name = `faults-${turn++}`
  readonly dataDir = join(base, this.name)
  readonly folder: SystemFolder = systemFolder(this.dataDir)
  readonly #open: Opened[] = []

  async open(clock: Clock = systemClock): Promise<Opened> {
    const surety = await openSurety(config, {
      ...{ dataDir: this.dataDir, name: this.name, server, clock, logger: silentLogger },
    })
    this.#open.push(surety)
    return surety
  }

  async close(): Promise<void> {
    for (const surety of this.#open.splice(0)) await surety.close()
  }

  /** Everything that is stored, as one hash per file and table. */
  async stored(): Promise<Record<string, string>> {
    const found: Record<string, string> = {}
    for (const folder of [this.folder.keys, this.folder.evidence]) {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        if (entry.isFile()) found[path] = hash(await readFile(path))
      }
    }
    const client = new pg.Client(server.connect('postgres', `surety_${this.name.replaceAll('-', '_')}`))
    await client.connect()
    const { rows: tables } = await client.query<{ name: string }>(
      "select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema in ('surety', 'app')",
    )
    for (const { name } of tables) {
      const { rows } = await client.query<{ all: string | null }>(
        `select string_agg(t::text, E'\\n' order by t::text) as all from ${name} t`,
      )
      found[name] = hash(Buffer.from(rows[0]!.all ?? ''))
    }
    await client.end()
    expect(Object.keys(found).length).toBeGreaterThan(8)
    return found
  }
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function write(surety: Opened, ...numbers: number[]): Promise<void> {
  const rows = numbers.map((number) => noteOf(number, `text ${number}`))
  await surety.as(writer).db.insertInto('notes').values(rows).execute()
}

async function read(surety: Opened): Promise<string[]> {
  const rows = await surety.as(writer).db.selectFrom('notes').select('text').orderBy('number').execute()
  return rows.map(({ text }) => text)
}

/** A refusal with a code, and a mend for whoever stands before it. */
const refusal = (code: string): Error =>
  expect.objectContaining({ code, mend: expect.stringMatching(/\w{3}/) as string }) as Error

let system: System
beforeEach(() => {
  system = new System()
})
afterEach(() => system.close())

describe('key files', () => {
  /** Refused, nothing changed by it, and well again once the files are back. */
  async function expectRefused(damage: () => Promise<void>, code: string): Promise<void> {
    await write(await system.open(), 1)
    await system.close()
    const aside = `${system.folder.keys}.aside`
    await cp(system.folder.keys, aside, { recursive: true })
    await damage()
    const before = await system.stored()
    await expect(system.open()).rejects.toEqual(refusal(code))
    expect(await system.stored()).toEqual(before)
    await rm(system.folder.keys, { recursive: true })
    await rename(aside, system.folder.keys)
    await chmod(system.folder.keys, 0o700)
    expect(await read(await system.open())).toEqual(['text 1'])
  }

  const keyFiles = async (of: System): Promise<string[]> =>
    (await readdir(of.folder.keys)).filter((name) => name.endsWith('.key')).toSorted()

  async function otherSystem(): Promise<System> {
    const other = new System()
    await other.open()
    await other.close()
    return other
  }

  test('of another system are refused', async () => {
    const other = await otherSystem()
    await expectRefused(async () => {
      await rm(system.folder.keys, { recursive: true })
      await cp(other.folder.keys, system.folder.keys, { recursive: true })
      await chmod(system.folder.keys, 0o700)
    }, 'ERR_KEYS_EPOCH')
  })

  test('that are lost are refused, not made anew', async () => {
    await expectRefused(async () => {
      const names = await keyFiles(system)
      expect(names.length).toBeGreaterThan(1)
      for (const name of names) await rm(join(system.folder.keys, name))
    }, 'ERR_KEYS_EPOCH')
  })

  test('that were swapped with each other are refused', async () => {
    await expectRefused(async () => {
      const [first, second] = (await keyFiles(system)).map((name) => join(system.folder.keys, name))
      await rename(first!, `${first}.x`)
      await rename(second!, first!)
      await rename(`${first}.x`, second!)
    }, 'ERR_KEYS_FORMAT')
  })

  test('that are garbled are refused', async () => {
    await expectRefused(async () => {
      for (const name of await keyFiles(system)) await writeFile(join(system.folder.keys, name), '{')
    }, 'ERR_KEYS_FORMAT')
  })

  test('that others can enter are refused', async () => {
    await expectRefused(() => chmod(system.folder.keys, 0o755), 'ERR_KEYS_FOLDER')
  })

  test('the log’s signing key of another system is refused', async () => {
    const other = await otherSystem()
    await expectRefused(() => copyFile(other.folder.signingKey, system.folder.signingKey), 'ERR_LOG_KEY')
  })

  test('a lost signing key is refused, not made anew', async () => {
    await expectRefused(() => rm(system.folder.signingKey), 'ERR_LOG_KEY_FILE')
  })
})

describe('a disk that is full', () => {
  const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mountFull(null) === null
  if (!canMount)
    process.stdout.write('no file system can be mounted here: the full key folder is not tested\n')

  /** A file system of 64 KiB at `folder`; null asks only whether that is allowed. Returns what went wrong. */
  function mountFull(folder: string | null): string | null {
    const target = folder ?? mkdtempSync(join(tmpdir(), 'surety-mount-'))
    const args = ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'none', target]
    const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
    if (folder === null && status === 0) spawnSync('umount', [target])
    return status === 0 ? null : (error?.message ?? stderr)
  }

  test.skipIf(!canMount).each([0, 1, 2, 3])(
    'with %i pages left for keys fails a start with a code, leaves nothing half-written, and starts with space',
    async (pages) => {
      await mkdir(system.folder.keys, { recursive: true, mode: 0o700 })
      expect(mountFull(system.folder.keys)).toBeNull()
      try {
        const ballast = join(system.folder.keys, 'ballast')
        await writeFile(ballast, Buffer.alloc(64 * 1024 - pages * 4096))
        await expect(system.open()).rejects.toEqual(
          refusal(expect.stringMatching(/^ERR_(KEYS|LOG|START)_/) as string),
        )
        for (const name of await readdir(system.folder.keys)) {
          expect(name).not.toMatch(/draft|tmp/)
          expect((await stat(join(system.folder.keys, name))).size, name).toBeGreaterThan(0)
        }
        await rm(ballast, { force: true })
        const surety = await system.open()
        await write(surety, 1)
        expect(await read(surety)).toEqual(['text 1'])
        await system.close()
      } finally {
        spawnSync('umount', ['-l', system.folder.keys])
      }
    },
  )
})

/** Copies the folder of a running log but for intents, which come and go. */
function copySettled(from: string, to: string): Promise<void> {
  return cp(from, to, { recursive: true, filter: (path) => !/intent-|\.tmp-/.test(path) })
}

describe('a log folder restored from yesterday', () => {
  async function yesterdayAndToday(): Promise<{ surety: Opened; yesterday: string; today: string }> {
    const surety = await system.open()
    const yesterday = `${system.folder.evidence}.yesterday`
    await copySettled(system.folder.evidence, yesterday)
    await surety.probe({ site: null, only: [CLAIM] })
    const today = `${system.folder.evidence}.today`
    await copySettled(system.folder.evidence, today)
    return { surety, yesterday, today }
  }

  async function putBack(copy: string): Promise<void> {
    await rm(system.folder.evidence, { recursive: true })
    await cp(copy, system.folder.evidence, { recursive: true })
  }

  test('is refused at a start with the way out, and the way out works', async () => {
    const { yesterday, today } = await yesterdayAndToday()
    await system.close()
    await putBack(yesterday)
    const before = await system.stored()
    await expect(system.open()).rejects.toMatchObject({
      code: 'ERR_LOG_FOLDER_BEHIND',
      message: expect.stringMatching(/ends at \d+ entries, the database has published \d+/),
      mend: expect.stringContaining('put back the newest published tiles'),
    })
    expect(await system.stored()).toEqual(before)
    await putBack(today)
    const again = await system.open()
    expect((await again.standings()).map(({ status }) => status)).toContain('kept')
  })

  test('is noticed while the server runs, and nothing is published on top of it', async () => {
    const { yesterday, surety } = await yesterdayAndToday()
    // As any visitor of the page makes it do.
    expect(await surety.standings()).toHaveLength(2)
    await putBack(yesterday)
    const before = await readFile(join(system.folder.evidence, 'checkpoint'), 'utf8')
    expect((await surety.routes().request('/healthz')).status).toBe(503)
    await expect(surety.probe({ site: null, only: [CLAIM] })).rejects.toThrow()
    expect(await readFile(join(system.folder.evidence, 'checkpoint'), 'utf8')).toBe(before)
  })
})

/** A clock that somebody sets. */
function settableClock(): Clock & { offsetMs: number } {
  return {
    offsetMs: 0,
    now() {
      return systemClock.now() + this.offsetMs
    },
    monotonic: () => systemClock.monotonic(),
  }
}

describe('a clock that is set wrong', () => {
  const statusOf = async (surety: Opened): Promise<string | undefined> =>
    (await surety.standings()).find(({ claim }) => claim.id === CLAIM)?.status

  async function timesOf(of: System): Promise<number[]> {
    const times: number[] = []
    const bundles = join(of.folder.evidence, 'tile/entries/000.p')
    const newest = (await readdir(bundles)).toSorted((a, b) => Number(b) - Number(a))[0]!
    const bytes = await readFile(join(bundles, newest))
    for (let at = 0; at < bytes.length;) {
      const end = at + 2 + bytes.readUInt16BE(at)
      times.push(Date.parse((JSON.parse(bytes.toString('utf8', at + 2, end)) as { at: string }).at))
      at = end
    }
    return times
  }

  test.each([40 * DAY_MS, -40 * DAY_MS])(
    'by %i ms destroys nothing, at a start or while it runs',
    async (offset) => {
      const clock = settableClock()
      const running = await system.open(clock)
      await write(running, 1, 2)
      const keys = (await readdir(system.folder.keys)).toSorted()
      for (const wrong of [offset, 0, offset]) {
        clock.offsetMs = wrong
        expect(await read(running)).toEqual(['text 1', 'text 2'])
        await running.probe({ site: null, only: [CLAIM] })
      }
      await system.close()
      const restarted = await system.open(clock)
      expect(await read(restarted)).toEqual(['text 1', 'text 2'])
      await write(restarted, 3)
      clock.offsetMs = 0
      expect(await read(restarted)).toEqual(['text 1', 'text 2', 'text 3'])
      expect(await readdir(system.folder.keys)).toEqual(expect.arrayContaining(keys))
      const times = await timesOf(system)
      expect(times.length).toBeGreaterThan(6)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    },
  )

  test('40 days ahead shows nothing as kept that was measured before', async () => {
    const clock = settableClock()
    const surety = await system.open(clock)
    await surety.probe({ site: null, only: [CLAIM] })
    expect(await statusOf(surety)).toBe('kept')
    clock.offsetMs = 40 * DAY_MS
    expect(await statusOf(surety)).toBe('unproven')
  })

  test('40 days back makes a promise due at once: its age is not known', async () => {
    const clock = settableClock()
    const surety = await system.open(clock)
    await surety.probe({ site: null, only: [CLAIM] })
    expect(await surety.probe({ site: null, only: [CLAIM], due: true })).toEqual([])
    clock.offsetMs = -40 * DAY_MS
    expect(await surety.probe({ site: null, only: [CLAIM], due: true })).toHaveLength(1)
  })
})

test('a second server on one data folder is refused, and the first goes on', async () => {
  const dataDir = join(base, 'one-folder')
  const first = await openSurety(config, { dataDir, name: 'one', logger: silentLogger })
  try {
    await write(first, 1)
    await expect(openSurety(config, { dataDir, name: 'one', logger: silentLogger })).rejects.toMatchObject({
      code: 'ERR_DATABASE_LOCKED',
      message: expect.stringContaining(`in use by process ${process.pid}`),
      mend: expect.stringMatching(/\w{3}/),
    })
    await expect(openSurety(config, { dataDir, name: 'two', logger: silentLogger })).rejects.toEqual(
      refusal('ERR_DATABASE_LOCKED'),
    )
    await write(first, 2)
    expect(await read(first)).toEqual(['text 1', 'text 2'])
  } finally {
    await first.close()
  }
  const again = await openSurety(config, { dataDir, name: 'one', logger: silentLogger })
  expect(await read(again)).toEqual(['text 1', 'text 2'])
  await again.close()
  await rm(dirname(again.databaseDir!), { recursive: true, force: true })
})
