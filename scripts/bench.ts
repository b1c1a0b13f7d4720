// npm run bench -- NAME [--json] [--quick]: one measurement; --quick only shows that it runs.
import { parseArgs } from 'node:util'
import { BENCHES, type BenchResult } from '../bench/index.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const [name = '', ...others] = positionals
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
if (load === undefined || others.length > 0) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--json] [--quick]\n`)
  process.exitCode = 2
} else {
  const bench = await load()
  const result = await bench({ quick: values.quick })
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : formatTable(result))
}

function formatTable({ name: title, ours, rivals, ratios, rounds, machine }: BenchResult): string {
  const rows = Object.entries({ ours, rivals, ratios }).flatMap(([group, numbers]) =>
    Object.entries(numbers).map(([key, value]) => [group, key, formatNumber(value)] as const),
  )
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map(
    ([group, key, value]) =>
      `${group.padEnd(widths[0]!)}  ${key.padEnd(widths[1]!)}  ${value.padStart(widths[2]!)}`,
  )
  return [`${title}: medians of ${rounds} rounds on ${machine}`, ...lines, ''].join('\n')
}

function formatNumber(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
