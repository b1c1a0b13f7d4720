import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Ready, ReadySystem } from '../../src/cli/ready.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CONDITION = '--conditions=surety-source'

/** A demo started as `npm start` starts it, on free ports and in a folder of its own. */
export interface Demo {
  readonly ready: Ready
  readonly system: ReadySystem
  readonly dataDir: string
  /** Milliseconds from the start of the process until `ready.json` was there. */
  readonly startedInMs: number
  /** Runs `surety …` beside it. */
  surety(...args: readonly string[]): Promise<Finished>
  close(): Promise<void>
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the coding-metrics example and resolves when it is ready. */
export async function startDemo(): Promise<Demo> {
  const dataDir = await mkdtemp(join(tmpdir(), 'surety-demo-'))
  const env = { ...process.env, SURETY_DATA: dataDir, PORT: String(await freePorts()), NO_COLOR: '1' }
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [CONDITION, join(ROOT, 'scripts/launch.js'), 'scripts/start.ts', 'coding-metrics'],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const output = collect(child)
  const ready = await waitForReady(dataDir, child, output)
  const system = ready.systems['coding-metrics']
  if (!system) throw new Error('ready.json does not name coding-metrics')
  return {
    ready,
    system,
    dataDir,
    startedInMs: performance.now() - began,
    surety: (...args) => run(env, args),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await ended
      }
      // As root the cluster may lie elsewhere, in a folder made for this data folder alone.
      for (const folder of new Set([dataDir, dirname(ready.databaseDir)]))
        await rm(folder, { recursive: true, force: true })
    },
  }
}

async function waitForReady(dataDir: string, child: ChildProcess, output: () => string): Promise<Ready> {
  for (let tries = 0; tries < 2_400; tries++) {
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${output()}`)
    const text = await readFile(join(dataDir, 'ready.json'), 'utf8').catch(() => null)
    if (text !== null) return JSON.parse(text) as Ready
    await sleep(100)
  }
  child.kill('SIGKILL')
  throw new Error(`the demo was not ready within four minutes:\n${output()}`)
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => (text += part))
  return () => text
}

function run(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'bin/surety.js'), ...args], {
      env,
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part))
    child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** The overview, the first system, and the identity provider. */
const OFFSETS = [0, 1, 9]

/** A port that is free together with those above it, where no system gives ports away: others test meanwhile. */
async function freePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const wanted = OFFSETS.map((offset) => port + offset)
    const free = await Promise.all(wanted.map((each) => portOf(each).catch(() => 0)))
    if (free.every((found, at) => found === wanted[at])) return port
  }
  throw new Error('no free ports at the distances that a demo needs')
}

function portOf(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
