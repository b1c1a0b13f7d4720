import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, startServer } from '../../src/database/index.ts'
import { startDemo } from '../../test/e2e/demo.ts'
import { describeMachine, interleave, type Bench } from '../measure.ts'

/** Milliseconds between two looks at the page: more of them would be work for whom they watch. */
const LOOK_MS = 200
/** A page that is not measured by then never will be. */
const GIVE_UP_MS = 300_000

interface Shown {
  readonly promises: readonly {
    readonly kind: string
    readonly probe: string | null
    readonly status: string
    readonly checkedAt: string | null
  }[]
}

/** From an installed tree and no data folder to a page whose every measured promise was measured. */
export const start: Bench = async ({ quick }) => {
  const rounds = quick ? 1 : 5
  const ready: number[] = []
  // One measured promise shows that it runs; all of them take most of the time.
  const enough = quick ? 'some' : 'every'
  const measured = (): Promise<number> => startUntilMeasured(enough, (ms) => ready.push(ms))
  const found = quick
    ? { measured: await measured(), postgres: await startPostgres() }
    : await interleave(rounds, { measured, postgres: startPostgres })
  return {
    name: 'start',
    ours: { measuredPageMs: found.measured, readyMs: ready.toSorted((a, b) => a - b)[ready.length >> 1]! },
    rivals: { postgresAloneMs: found.postgres },
    ratios: { oursTimeToPostgresAlone: found.measured / found.postgres },
    rounds,
    machine: describeMachine(),
  }
}

async function startUntilMeasured(enough: 'some' | 'every', onReady: (ms: number) => void): Promise<number> {
  const began = performance.now()
  const demo = await startDemo()
  try {
    onReady(performance.now() - began)
    while (!(await isMeasured(demo.system.url, enough))) {
      if (performance.now() - began > GIVE_UP_MS) throw new TypeError('the page was never fully measured')
      await sleep(LOOK_MS)
    }
    return performance.now() - began
  } finally {
    await demo.close()
  }
}

/** True where some, or every, promise with a probe has an answer; a broken one is an answer too, and would be no result here. */
async function isMeasured(url: string, enough: 'some' | 'every'): Promise<boolean> {
  const response = await fetch(`${url}/security.json`)
  if (!response.ok) return false
  const { promises } = (await response.json()) as Shown
  const measured = promises.filter(({ kind, probe }) => kind === 'measured' && probe !== null)
  const broken = measured.find(({ status }) => status === 'broken')
  if (broken) throw new TypeError(`a promise is broken: ${broken.probe}`)
  return measured.length > 0 && measured[enough](({ checkedAt }) => checkedAt !== null)
}

/** What no start can leave out: a fresh cluster, made and running. */
async function startPostgres(): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'surety-bench-'))
  if (process.getuid?.() === 0) await chmod(dataDir, 0o755)
  const began = performance.now()
  const server = await startServer({ dataDir, logger: silentLogger })
  const took = performance.now() - began
  await server.close()
  for (const folder of [dataDir, dirname(server.databaseDir)])
    await rm(folder, { recursive: true, force: true })
  return took
}
