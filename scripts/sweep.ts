// npm run sweep -- [--cases 200000] [--seed N] [--guards both|row-security|predicates]: the store's property suite at length.
// npm run sweep -- --seed N --case M [--guards …]: one case again.
import { parseArgs } from 'node:util'
import { sweep } from '../test/property/sweep.ts'
import { openWorld, withoutRowSecurity } from '../test/property/world.ts'

const GUARDS = ['both', 'row-security', 'predicates']
const STEP = 5_000

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
    case: { type: 'string' },
    guards: { type: 'string', default: 'both' },
  },
})
const [seed, cases, first] = [
  Number(values.seed),
  values.case === undefined ? Number(values.cases) : 1,
  Number(values.case ?? 0),
]
const numbers = [seed, cases, first]
if (
  !numbers.every((one) => Number.isSafeInteger(one) && one >= 0) ||
  cases === 0 ||
  !GUARDS.includes(values.guards)
) {
  process.stderr.write(
    `sweep: --cases, --seed and --case take whole numbers, --guards ${GUARDS.join(', ')}\n`,
  )
  process.exit(2)
}

const byName = ([a]: readonly [string, number], [b]: readonly [string, number]): number => (a < b ? -1 : 1)
const started = performance.now()
const told = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`
const opened = await openWorld()
try {
  const world = values.guards === 'predicates' ? await withoutRowSecurity(opened) : opened
  let next = STEP
  const onProgress = (done: number): void => {
    if (done < next) return
    process.stdout.write(`${done} of ${cases} cases, ${told()}\n`)
    next = done + STEP
  }
  const predicates = values.guards !== 'row-security'
  const { rows, refused, answered } = await sweep(world, { seed, cases, first, predicates, onProgress })
  for (const [shape, times] of [...answered].toSorted(byName)) process.stdout.write(`  ${shape}: ${times}\n`)
  for (const [shape, times] of [...refused].toSorted(byName))
    process.stdout.write(`  refused, ${shape}: ${times}\n`)
  process.stdout.write(`agreed: ${cases} cases of seed ${seed}, ${rows} rows, ${told()}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
} finally {
  await opened.close()
}
