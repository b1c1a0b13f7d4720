import { spawn, type ChildProcess } from 'node:child_process'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { attachServer, silentLogger, startServer, WITHOUT_FSYNC, type DatabaseServer } from './index.ts'
import { isRunning } from './process-table.ts'
import { readRecord, recordPath } from './server-record.ts'
import { prepareCluster } from './testing/prepared-cluster.ts'

const isRoot = process.getuid?.() === 0
const HOLD = fileURLToPath(new URL('../../test/fixtures/database/hold-server.ts', import.meta.url))
const undo: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function temporaryFolder(mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-server-'))
  await chmod(folder, mode)
  undo.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A data folder with a cluster that was made and stopped before. */
async function preparedFolder(): Promise<string> {
  const folder = await temporaryFolder()
  await prepareCluster(folder)
  return folder
}

async function start(dataDir: string): Promise<DatabaseServer> {
  const server = await startServer({ dataDir, logger: silentLogger, [WITHOUT_FSYNC]: true })
  if (!server.databaseDir.startsWith(await realpath(dataDir))) {
    undo.push(() => rm(dirname(server.databaseDir), { recursive: true, force: true }))
  }
  undo.push(() => server.close())
  return server
}

async function ask(server: DatabaseServer, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(server.connect('postgres', 'postgres'))
  await client.connect()
  try {
    const { rows } = await client.query(sql)
    return rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

/** A process that holds a server; resolves when the server is up. */
async function hold(
  dataDir: string,
  sql: string,
  identity: { uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; databaseDir: string }> {
  const args = ['--conditions=surety-source', HOLD, dataDir, sql]
  const child = spawn(process.execPath, args, { ...identity, env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
  undo.push(async () => {
    child.kill('SIGKILL')
    // Its server ends after it, and writes into the folder until then.
    const pid = databaseDir === null ? 0 : await postmasterOf(databaseDir)
    if (pid > 0) await until(async () => !(await isRunning(pid)))
  })
  let databaseDir: string | null = null
  let said = ''
  return new Promise((resolve, reject) => {
    child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stdout!.on('data', (chunk: Buffer) => {
      const ready = /^ready (.*)$/m.exec(chunk.toString())
      if (ready) resolve({ child, databaseDir: (databaseDir = ready[1]!) })
    })
    child.on('exit', () => reject(new TypeError(`the holder ended: ${said}`)))
  })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  await expect.poll(condition, { timeout: 60_000, interval: 20 }).toBe(true)
}

/** 0 where none runs. */
const postmasterOf = async (databaseDir: string): Promise<number> =>
  Number((await readFile(join(databaseDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0])

describe('the embedded server', () => {
  it('makes a cluster, and keeps it', async () => {
    const dataDir = await temporaryFolder()
    const first = await start(dataDir)
    await ask(first, 'create table kept as select 7 as seven')
    await first.close()
    const second = await start(dataDir)
    expect(await ask(second, 'select seven from kept')).toEqual([{ seven: 7 }])
  })

  it('listens on the loopback address only, asks for passwords and writes no statement into its log', async () => {
    const server = await start(await preparedFolder())
    const [settings] = await ask(
      server,
      `select current_setting('listen_addresses') as address, current_setting('log_min_messages') as level,
              (select count(*)::integer from pg_hba_file_rules where auth_method <> 'scram-sha-256') as open_rules`,
    )
    expect(settings).toEqual({ address: '127.0.0.1', level: 'log', open_rules: 0 })
    await expect(ask(server, `select 'ada@codetime.example'::integer`)).rejects.toThrow()
    const log = await readFile(join(dirname(server.databaseDir), 'server.log'), 'utf8')
    expect(log).not.toContain('ada@')
    const wrong = new pg.Client({ ...server.connect('postgres', 'postgres'), password: 'postgres' })
    await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01' })
  })

  it('flushes to disk unless a test says otherwise', async () => {
    const dataDir = await preparedFolder()
    const server = await startServer({ dataDir, logger: silentLogger })
    undo.push(() => server.close())
    expect(await ask(server, 'show fsync')).toEqual([{ fsync: 'on' }])
  })

  it('keeps passwords and the folder of the data from others', async () => {
    const dataDir = await preparedFolder()
    const server = await start(dataDir)
    expect((await stat(recordPath(dataDir))).mode & 0o777).toBe(0o600)
    expect((await stat(server.databaseDir)).mode & 0o077).toBe(0)
    if (isRoot) expect((await stat(server.databaseDir)).uid).not.toBe(0)
  })

  it('refuses a second server on one data folder and names the first', async () => {
    const dataDir = await preparedFolder()
    await start(dataDir)
    await expect(start(dataDir)).rejects.toMatchObject({
      code: 'ERR_DATABASE_LOCKED',
      message: expect.stringContaining(String(process.pid)) as string,
    })
  })

  it('lets another process attach while it runs, and says so when it does not', async () => {
    const dataDir = await temporaryFolder()
    await expect(attachServer(dataDir)).rejects.toMatchObject({ code: 'ERR_DATABASE_NOT_RUNNING' })
    const server = await start(dataDir)
    const attached = await attachServer(dataDir)
    expect(await ask(attached, 'select 1 as one')).toEqual([{ one: 1 }])
    await attached.close()
    expect(await ask(server, 'select 1 as one')).toEqual([{ one: 1 }])
    await server.close()
    await expect(attachServer(dataDir)).rejects.toMatchObject({ code: 'ERR_DATABASE_NOT_RUNNING' })
  })
})

describe('what earlier processes left behind', () => {
  it('stops with its process, SIGKILL included, and starts again with every commit', async () => {
    const dataDir = await preparedFolder()
    const { child, databaseDir } = await hold(dataDir, 'create table kept as select 7 as seven')
    const pid = await postmasterOf(databaseDir)
    child.kill('SIGKILL')
    await until(async () => !(await isRunning(pid)) && !(await isRunning(child.pid!)))
    expect(await ask(await start(dataDir), 'select seven from kept')).toEqual([{ seven: 7 }])
  })

  it('recovers when process and server were both killed', async () => {
    const dataDir = await preparedFolder()
    const { child, databaseDir } = await hold(dataDir, 'create table kept as select 7 as seven')
    const pid = await postmasterOf(databaseDir)
    process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
    await until(async () => !(await isRunning(pid)) && !(await isRunning(child.pid!)))
    expect(await ask(await start(dataDir), 'select seven from kept')).toEqual([{ seven: 7 }])
  })

  it('ignores a pid file that names a process which is no server of this cluster', async () => {
    const dataDir = await preparedFolder()
    const server = await start(dataDir)
    await server.close()
    await writeFile(join(server.databaseDir, 'postmaster.pid'), `${process.pid}\n${server.databaseDir}\n`)
    await chown(join(server.databaseDir, 'postmaster.pid'), ...(await ownerOf(server.databaseDir)))
    expect(await ask(await start(dataDir), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('finishes a cluster whose process died between the record and the last rename', async () => {
    const dataDir = await preparedFolder()
    const server = await start(dataDir)
    await server.close()
    await rename(server.databaseDir, join(dirname(server.databaseDir), 'initialising'))
    expect(await ask(await start(dataDir), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('starts a half-made cluster over', async () => {
    const dataDir = await temporaryFolder()
    await mkdir(join(dataDir, 'postgres', 'initialising', 'base'), { recursive: true })
    expect(await ask(await start(dataDir), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('sets a cluster aside whose passwords are gone', async () => {
    const dataDir = await preparedFolder()
    const server = await start(dataDir)
    await server.close()
    await rm(recordPath(dataDir))
    const said: object[] = []
    const again = await startServer({
      dataDir,
      logger: { ...silentLogger, warn: (object) => void said.push(object) },
      [WITHOUT_FSYNC]: true,
    })
    undo.push(() => again.close())
    const { folder } = said[0] as { folder: string }
    expect((await stat(join(folder, 'PG_VERSION'))).isFile()).toBe(true)
  })

  it('refuses to make a new cluster where the recorded one is missing', async () => {
    const dataDir = await preparedFolder()
    const server = await start(dataDir)
    await server.close()
    await rm(server.databaseDir, { recursive: true })
    await expect(start(dataDir)).rejects.toMatchObject({
      code: 'ERR_DATABASE_RECORD',
      message: expect.stringContaining('missing') as string,
    })
  })

  it('refuses a record of a newer version', async () => {
    const dataDir = await temporaryFolder()
    await writeFile(recordPath(dataDir), '{"schema":2}')
    await expect(start(dataDir)).rejects.toMatchObject({ code: 'ERR_DATABASE_RECORD' })
    expect(await readFile(recordPath(dataDir), 'utf8')).toBe('{"schema":2}')
  })
})

async function ownerOf(path: string): Promise<[number, number]> {
  const { uid, gid } = await stat(path)
  return [uid, gid]
}

describe.runIf(isRoot)('as root', () => {
  it('keeps the cluster where its server can enter when the data folder is closed to it', async () => {
    const closed = await temporaryFolder(0o700)
    const dataDir = join(closed, 'data')
    const server = await start(dataDir)
    expect(server.databaseDir.startsWith('/var/lib/surety/')).toBe(true)
    await ask(server, 'create table kept as select 7 as seven')
    await server.close()
    const again = await start(dataDir)
    expect(again.databaseDir).toBe(server.databaseDir)
    expect(await ask(again, 'select seven from kept')).toEqual([{ seven: 7 }])
    expect((await readRecord(dataDir))?.databaseDir).toBe(server.databaseDir)
  })

  it('runs for an ordinary user as that user, inside the data folder', async () => {
    const dataDir = await temporaryFolder(0o700)
    await chown(dataDir, 65_534, 65_534)
    const { databaseDir } = await hold(dataDir, 'select 1', { uid: 65_534, gid: 65_534 })
    expect(databaseDir.startsWith(await realpath(dataDir))).toBe(true)
    expect((await stat(databaseDir)).uid).toBe(65_534)
  })

  it('gives an ordinary user a coded error for a folder that it may not write', async () => {
    const dataDir = await temporaryFolder(0o755)
    const failed = hold(join(dataDir, 'sub'), 'select 1', { uid: 65_534, gid: 65_534 })
    await expect(failed).rejects.toThrow('ERR_DATABASE_FOLDER')
  })
})
