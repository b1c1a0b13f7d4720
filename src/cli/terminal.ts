/** Where a command writes: results to stdout, progress to stderr. */
export interface Terminal {
  readonly json: boolean
  /** Prints lines for a person; nothing with `--json`. */
  say(...lines: readonly string[]): void
  /** Prints the one result of a run with `--json`; nothing without. */
  result(value: unknown): void
  /** Shows one line that later ones replace; nothing where stderr is no terminal. */
  progress(line: string): void
  paint(tone: Tone, text: string): string
}

export type Tone = 'good' | 'bad' | 'open' | 'faint' | 'strong'

const CODES: Readonly<Record<Tone, string>> = { good: '32', bad: '31', open: '33', faint: '2', strong: '1' }

interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export interface TerminalOptions {
  readonly json: boolean
  readonly stdout: Output
  readonly stderr: Output
  /** `NO_COLOR` and the like. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

export function createTerminal({ json, stdout, stderr, environment }: TerminalOptions): Terminal {
  const colour = stdout.isTTY === true && !environment['NO_COLOR']
  const live = stderr.isTTY === true && !json
  let shown = false
  const clear = (): void => {
    if (shown) stderr.write('\r\u001B[2K')
    shown = false
  }
  return {
    json,
    say(...lines) {
      clear()
      if (!json) for (const line of lines) stdout.write(`${line}\n`)
    },
    result(value) {
      clear()
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
    progress(line) {
      if (!live) return
      clear()
      stderr.write(line.slice(0, (stderr.columns ?? 80) - 1))
      shown = true
    },
    paint: (tone, text) => (colour ? `\u001B[${CODES[tone]}m${text}\u001B[0m` : text),
  }
}
