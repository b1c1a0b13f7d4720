import { spawn } from 'node:child_process'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Principal } from '../../src/access/index.ts'
import type { BenchDatabase } from '../log/server.ts'
import { beat, type Beat } from './world.ts'

/** Another library that governs rows, on the same server. */
export interface Rival {
  readonly name: string
  readOne(i: number): Promise<void>
  insertMany(): Promise<void>
}

/** What the bench uses of a ZenStack client; its packages are not among this repository's own. */
interface Client {
  $use(plugin: object): Client
  $setAuth(person: { id: string; teamId: string }): Client
  readonly heartbeat: {
    createMany(input: { data: readonly object[] }): Promise<unknown>
    findFirst(input: { where: { id: string } }): Promise<{ entity: string } | null>
  }
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
  await owner.query(`
    create table public.rival_heartbeats (
      id text primary key, "createdAt" timestamptz(3) not null, "personId" text not null, "teamId" text not null,
      entity text not null, project text not null, branch text not null, language text not null,
      time timestamptz(3) not null, seconds integer not null);
    create index on public.rival_heartbeats ("teamId", project);
    create index on public.rival_heartbeats ("teamId", "personId", time)`)
  const client = await openZenStack(owner)
  const governed = client.$setAuth({ id: reader.id, teamId: reader.tenant! })
  const stored = Array.from({ length: STORED }, (_, i) => makeRow(reader, beat(i, STORED)))
  await governed.heartbeat.createMany({ data: stored })
  return [
    {
      name: 'zenstack',
      async readOne(i) {
        const row = await governed.heartbeat.findFirst({ where: { id: stored[i % stored.length]!.id } })
        if (!row?.entity.startsWith('/home/')) throw new TypeError('a heartbeat came back wrongly')
      },
      async insertMany() {
        const data = Array.from({ length: insertRows }, (_, i) => makeRow(reader, beat(i, insertRows)))
        await governed.heartbeat.createMany({ data })
      },
    },
  ]
}

async function openZenStack(pool: BenchDatabase['owner']): Promise<Client> {
  const { resolve } = createRequire(join(FOLDER, 'package.json'))
  const load = async (name: string): Promise<Record<string, new (...args: unknown[]) => object>> =>
    (await import(pathToFileURL(resolve(name)).href)) as never
  const { ZenStackClient } = await load('@zenstackhq/orm')
  const { PostgresDialect } = await load('@zenstackhq/orm/dialects/postgres')
  const { PolicyPlugin } = await load('@zenstackhq/plugin-policy')
  const { schema } = (await import(pathToFileURL(join(MADE, 'schema.mjs')).href)) as { schema: unknown }
  const client = new ZenStackClient!(schema, { dialect: new PostgresDialect!({ pool }) }) as Client
  return client.$use(new PolicyPlugin!())
}

async function install(): Promise<void> {
  const isThere = await access(join(MADE, 'schema.mjs')).then(
    () => true,
    () => false,
  )
  if (isThere) return
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], "installing the rivals' packages")
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
    const child = spawn(command, args, { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] })
    const code = await new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject))
    if (code !== 0) throw new TypeError(`${what} failed: ${command} ended with ${String(code)}`)
  } finally {
    clearInterval(timer)
  }
}
