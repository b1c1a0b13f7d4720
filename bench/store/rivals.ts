import { spawn } from 'node:child_process'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Principal } from '../../src/access/index.ts'
import type { BenchDatabase } from '../log/server.ts'
import { openPrisma, type Heartbeats } from './rival-prisma.ts'
import { beat, type Beat } from './world.ts'

/** Another library that governs rows, on the same server. */
export interface Rival {
  readonly name: string
  readOne(i: number): Promise<void>
  insertMany(): Promise<void>
  close(): Promise<void>
}

/** What the bench uses of a ZenStack client; its packages are not among this repository's own. */
interface ZenStack {
  $use(plugin: object): ZenStack
  $setAuth(person: { id: string; teamId: string }): ZenStack
  readonly heartbeat: Heartbeats
}

const FOLDER = fileURLToPath(new URL('rivals/', import.meta.url))
const MADE = join(FOLDER, 'node_modules', '.made')
const STORED = 2_000

/** Makes a heartbeat of that person with an id. */
export type MakeRow = (person: Principal, values: Beat) => { readonly id: string }

/**
 * Installs the rivals' packages where they are missing, without their install scripts, makes their
 * clients, and stores some heartbeats with each.
 */
export async function openRivals(
  { owner }: BenchDatabase,
  makeRow: MakeRow,
  reader: Principal,
  insertRows: number,
): Promise<Rival[]> {
  await install()
  const zenstack = (await openZenStack(owner)).$setAuth({ id: reader.id, teamId: reader.tenant! })
  const prisma = await openPrisma(load, owner)
  const rows = (count: number) => Array.from({ length: count }, (_, i) => makeRow(reader, beat(i, count)))
  const rival = async (
    name: string,
    heartbeats: Heartbeats,
    condition: object,
    close = async (): Promise<void> => {},
  ): Promise<Rival> => {
    const stored = rows(STORED)
    await heartbeats.createMany({ data: stored })
    return {
      name,
      close,
      async readOne(i) {
        const where = { id: stored[i % stored.length]!.id, ...condition }
        const row = await heartbeats.findFirst({ where })
        if (!row?.entity.startsWith('/home/')) throw new TypeError('a heartbeat came back wrongly')
      },
      async insertMany() {
        await heartbeats.createMany({ data: rows(insertRows) })
      },
    }
  }
  return [
    await rival('zenstack', zenstack.heartbeat, {}),
    // It seals and governs no rows: the application binds them itself.
    await rival('prisma', prisma.heartbeats, { personId: reader.id, teamId: reader.tenant! }, prisma.close),
  ]
}

const { resolve } = createRequire(join(FOLDER, 'package.json'))

/** A package of the rivals' own. */
async function load(name: string): Promise<Record<string, never>> {
  return (await import(pathToFileURL(resolve(name)).href)) as Record<string, never>
}

async function openZenStack(pool: BenchDatabase['owner']): Promise<ZenStack> {
  await pool.query(`
    create table public.rival_heartbeats (
      id text primary key, "createdAt" timestamptz(3) not null, "personId" text not null, "teamId" text not null,
      entity text not null, project text not null, branch text not null, language text not null,
      time timestamptz(3) not null, seconds integer not null);
    create index on public.rival_heartbeats ("teamId", project);
    create index on public.rival_heartbeats ("teamId", "personId", time)`)
  type Classes = Record<string, new (...args: unknown[]) => object>
  const { ZenStackClient } = (await load('@zenstackhq/orm')) as Classes
  const { PostgresDialect } = (await load('@zenstackhq/orm/dialects/postgres')) as Classes
  const { PolicyPlugin } = (await load('@zenstackhq/plugin-policy')) as Classes
  const { schema } = (await import(pathToFileURL(join(MADE, 'schema.mjs')).href)) as { schema: unknown }
  const client = new ZenStackClient!(schema, { dialect: new PostgresDialect!({ pool }) }) as ZenStack
  return client.$use(new PolicyPlugin!())
}

async function install(): Promise<void> {
  const isThere = await access(join(MADE, 'prisma')).then(
    () => true,
    () => false,
  )
  if (isThere) return
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], "installing the rivals' packages")
  await makeZenStack()
  const prisma = join(FOLDER, 'node_modules', '.bin', 'prisma')
  await run(process.execPath, [prisma, 'generate', '--schema', 'schema.prisma'], 'making clients')
  await writeFile(join(MADE, 'prisma'), '')
}

async function makeZenStack(): Promise<void> {
  const zen = join(FOLDER, 'node_modules', '.bin', 'zen')
  const output = join(MADE, 'generated')
  await mkdir(output, { recursive: true })
  await run(
    process.execPath,
    [zen, 'generate', '--schema', 'schema.zmodel', '--output', output],
    'making clients',
  )
  // Node strips no types below node_modules.
  const schema = await readFile(join(output, 'schema.ts'), 'utf8')
  await writeFile(join(MADE, 'schema.mjs'), stripTypeScriptTypes(schema))
}

const PROGRESS_MS = 5_000

async function run(command: string, args: readonly string[], what: string): Promise<void> {
  const start = performance.now()
  const tell = (): void => {
    process.stderr.write(`store: ${what} (${((performance.now() - start) / 1000).toFixed(0)} s)\n`)
  }
  const timer = setInterval(tell, PROGRESS_MS)
  tell()
  try {
    // Prisma would download an engine that nothing here uses: any program does in its place.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
    const child = spawn(command, args, { cwd: FOLDER, env, stdio: ['ignore', 'ignore', 'inherit'] })
    const code = await new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject))
    if (code !== 0) throw new TypeError(`${what} failed: ${command} ended with ${String(code)}`)
  } finally {
    clearInterval(timer)
  }
}
