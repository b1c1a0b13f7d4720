import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ForEverOptions } from './for-ever.ts'

/** A process that runs until it is killed. */
export interface LogProcess {
  readonly child: ChildProcess
  /** How many trees it signed. */
  signed: number
}

/** Processes that append and publish, and all that they said before they were killed. */
export class LogProcesses {
  readonly acknowledged: string[] = []
  readonly signed: { size: number; root: string }[] = []
  readonly errors: string[] = []
  readonly #script: string
  readonly #environment: NodeJS.ProcessEnv

  constructor(script: string, options: ForEverOptions) {
    this.#script = script
    this.#environment = { ...process.env, FOR_EVER: JSON.stringify(options) }
  }

  /** Resolves when the process has said something, or ended. */
  async start(): Promise<LogProcess> {
    const child = spawn(process.execPath, [this.#script], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const started: LogProcess = { child, signed: 0 }
    child.stderr.on('data', (text: Buffer) => this.errors.push(text.toString()))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => this.#hear(started, line))
    await Promise.race([once(lines, 'line'), once(child, 'exit')])
    return started
  }

  async kill({ child }: LogProcess): Promise<void> {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  #hear(from: LogProcess, line: string): void {
    const [what, first, root] = line.split(' ')
    if (what === 'ack' && first) this.acknowledged.push(first)
    if (what !== 'sign' || !root) return
    this.signed.push({ size: Number(first), root })
    from.signed += 1
  }
}
