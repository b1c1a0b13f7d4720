import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Ready } from './server.ts'

/** A process of the system under test; its lines are heard as long as it lives. */
export interface Running {
  readonly child: ChildProcess
  readonly isAlive: () => boolean
  readonly errors: () => string
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts a script of this folder. */
export function run(script: string, dataDir: string, onLine: (line: string) => void): Running {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=surety-source', path, dataDir], {
    env: { ...process.env, DATABASE_URL: '', SURETY_DATA: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors = (errors + text.toString()).slice(-4_000)))
  createInterface({ input: child.stdout }).on('line', onLine)
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  return {
    child,
    isAlive,
    errors: () => errors,
    async kill() {
      if (!isAlive()) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** A server that may not take requests yet. */
export interface Starting extends Running {
  /** Rejects with what it said when it ends before it takes requests. */
  readonly ready: Promise<Ready>
}

export function startServer(dataDir: string): Starting {
  const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>()
  ready.catch(() => undefined)
  const running = run('./server.ts', dataDir, (line) => {
    if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ready: Ready }).ready)
  })
  running.child.once('exit', (code) =>
    reject(new Error(`the server ended with ${code} before it was ready:\n${running.errors()}`)),
  )
  return { ...running, ready }
}

/** The pid of the Postgres server of a cluster. */
export async function postmasterOf(databaseDir: string): Promise<number> {
  return Number((await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n')[0])
}

/** Pids of the processes that `parent` started, as Linux tells; none elsewhere. */
export function childrenOf(parent: number): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .map(Number)
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

/** Kills a process by its id; false where it had gone already. */
export function killPid(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
