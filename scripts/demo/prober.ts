import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./prober-program.ts', import.meta.url))

/** Milliseconds that a prober has to end by itself. */
const GRACE_MS = 5_000
/** Milliseconds before a prober that ended unasked is started again. */
const RESTART_MS = 2_000

export interface Prober {
  /** Lets it begin: the system answers, and `ready.json` says where. */
  begin(): void
  close(): Promise<void>
}

/**
 * Runs `surety probe --watch` for one system, as a process of its own: it reaches the system over
 * HTTP as anybody does. It reads the library while the system still starts, and begins when it is told.
 * Started again when it ends unasked.
 */
export function startProber(config: string, dataDir: string, onLine: (line: string) => void): Prober {
  let closing = false
  let begun = false
  let timer: NodeJS.Timeout | undefined
  let child = run()

  function run(): ChildProcess {
    const started = spawn(process.execPath, ['--conditions=surety-source', PROGRAM, config], {
      env: { ...process.env, SURETY_DATA: dataDir, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [started.stdout, started.stderr]) stream?.setEncoding('utf8').on('data', onLine)
    started.once('exit', () => {
      if (!closing) timer = setTimeout(() => (child = run()), RESTART_MS)
    })
    started.once('error', (error) => onLine(`the prober could not start: ${error.message}\n`))
    if (begun) started.send('begin', ignoreLoss)
    return started
  }

  return {
    begin() {
      begun = true
      if (child.connected) child.send('begin', ignoreLoss)
    },
    async close() {
      closing = true
      clearTimeout(timer)
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      await ended
      clearTimeout(force)
    },
  }
}

/** One that has ended meanwhile is started again, and told again. */
function ignoreLoss(): void {}
