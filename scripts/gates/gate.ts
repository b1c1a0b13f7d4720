/** One thing that a gate objects to. */
export interface Finding {
  /** Path relative to the root, or the name of what was checked. */
  file: string
  line?: number
  message: string
}

/** What a gate saw. */
export interface Inspection {
  /** How many things it looked at: a gate that looks at nothing passes everything. */
  looked: number
  findings: Finding[]
}

/**
 * A check of the whole repository.
 *
 * `inspect` never throws for what it is meant to find; a throw means that the gate itself is broken.
 */
export interface Gate {
  name: string
  /** What it counts, in the plural. */
  of: string
  /** Fewer than this and the gate fails: it was looking in the wrong place. */
  atLeast: number
  inspect(root: string): Promise<Inspection>
}

export interface GateResult extends Inspection {
  name: string
  of: string
  ms: number
}

/** Runs a gate; a throw and too small a count become findings. */
export async function runGate(gate: Gate, root: string): Promise<GateResult> {
  const started = performance.now()
  const { looked, findings } = await inspectSafely(gate, root)
  if (looked < gate.atLeast) {
    const message = `looked at ${looked} ${gate.of}, expected at least ${gate.atLeast}`
    findings.push({ file: gate.name, message })
  }
  return { name: gate.name, of: gate.of, looked, findings, ms: performance.now() - started }
}

async function inspectSafely(gate: Gate, root: string): Promise<Inspection> {
  try {
    return await gate.inspect(root)
  } catch (error) {
    const message = `the gate itself failed: ${error instanceof Error ? error.stack : String(error)}`
    return { looked: 0, findings: [{ file: gate.name, message }] }
  }
}

/** `file:line: message`, as editors and terminals link it. */
export function formatFinding({ file, line, message }: Finding): string {
  return line === undefined ? `${file}: ${message}` : `${file}:${line}: ${message}`
}
