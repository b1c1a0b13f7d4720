import type { Reporter } from 'knip'

/** Writes knip's findings and how many files it read as one JSON line, for the gate. */
const report: Reporter = ({ issues, counters, configurationHints }) => {
  const findings = Object.entries(issues).flatMap(([kind, byFile]) => {
    if (kind === '_files' || !(byFile instanceof Object) || byFile instanceof Set) return []
    return Object.entries(byFile).flatMap(([file, bySymbol]) =>
      Object.values(bySymbol).map(({ symbol, line }) => ({ kind, file, symbol, line })),
    )
  })
  const hints = [...configurationHints].map((hint) => JSON.stringify(hint))
  process.stdout.write(`${JSON.stringify({ looked: counters.processed, findings, hints })}\n`)
}

export default report
