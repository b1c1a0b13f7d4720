import { dataTable, disclosure, exactTime, html, trend } from '../ui/index.ts'
import type { Child } from '../ui/index.ts'
import type { EvidenceEntry, ProbeResult } from '../verify/index.ts'
import { countOf, labelOf, valueText } from './words.ts'

/** Newest results that are drawn. */
const MAX_RESULTS = 120
/** Newest results in the table below the lines. */
const MAX_ROWS = 20
/** Values drawn for one promise. */
const MAX_SERIES = 3

/** What the newest results of one promise observed. */
export interface ObservedTrends {
  /** Names of the numbers that vary, at most three, in the order of the log. */
  readonly names: readonly string[]
  /** In order of time. */
  readonly results: readonly ProbeResult[]
}

/**
 * Per promise what is worth a line: numbers that at least two results name and that are not always the
 * same. A promise without such a number is left out.
 */
export function observedTrends(entries: readonly EvidenceEntry[]): Map<string, ObservedTrends> {
  const byKey = new Map<string, ProbeResult[]>()
  for (const entry of entries) {
    if (entry.kind !== 'probe.result') continue
    const results = byKey.get(entry.key)
    if (results) results.push(entry)
    else byKey.set(entry.key, [entry])
  }
  const trends = new Map<string, ObservedTrends>()
  for (const [key, all] of byKey) {
    const results = all.slice(-MAX_RESULTS)
    const names = varyingNames(results).slice(0, MAX_SERIES)
    if (names.length > 0) trends.set(key, { names, results })
  }
  return trends
}

function varyingNames(results: readonly ProbeResult[]): string[] {
  const seen = new Map<string, Set<number>>()
  for (const { observed } of results) {
    for (const [name, value] of Object.entries(observed.values)) {
      if (typeof value !== 'number') continue
      seen.set(name, (seen.get(name) ?? new Set<number>()).add(value))
    }
  }
  return [...seen].filter(([, values]) => values.size > 1).map(([name]) => name)
}

/** The lines, and the newest of their numbers as a table. */
export function trendsView({ names, results }: ObservedTrends): Child {
  const rows = results.slice(-MAX_ROWS).toReversed()
  const caption = `What the ${countOf(rows.length, 'newest result')} observed`
  const [first, last] = [results[0]!, results.at(-1)!]
  return [
    html`<p class="small trend-span">Observed from ${exactTime(Date.parse(first.at))} to ${exactTime(Date.parse(last.at))}</p>`,
    html`<div class="trends">${names.map((name) => trend({ name: labelOf(name), points: pointsOf(results, name), display: valueText }))}</div>`,
    disclosure({
      summary: 'Show the numbers',
      body: dataTable<ProbeResult>({
        caption,
        columns: [
          { header: 'Result of', cell: (result) => exactTime(Date.parse(result.at)) },
          ...names.map((name) => ({
            header: labelOf(name),
            cell: (result: ProbeResult) => numberText(result, name),
            align: 'number' as const,
          })),
        ],
        rows,
      }),
    }),
  ]
}

function pointsOf(results: readonly ProbeResult[], name: string): { at: number; value: number }[] {
  return results.flatMap(({ at, observed }) => {
    const value = observed.values[name]
    return typeof value === 'number' ? [{ at: Date.parse(at), value }] : []
  })
}

function numberText({ observed }: ProbeResult, name: string): string {
  const value = observed.values[name]
  return typeof value === 'number' ? valueText(value) : 'not observed'
}
