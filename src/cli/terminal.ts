/** Where a command writes: results to stdout, progress to stderr. */
export interface Terminal {
  readonly json: boolean
  /** Prints lines for a person; nothing with `--json`. */
  say(...lines: readonly string[]): void
  /** Prints the one result of a run with `--json`; nothing without. */
  result(value: unknown): void
  /** Prints one event of a run that goes on, a line of JSON, with `--json`; nothing without. */
  event(value: unknown): void
  /** Shows one line that later ones replace; nothing where stderr is no terminal. */
  progress(line: string): void
  paint(tone: Tone, text: string): string
}

export type Tone = 'good' | 'bad' | 'open' | 'faint' | 'strong'

const CODES: Readonly<Record<Tone, string>> = { good: '32', bad: '31', open: '33', faint: '2', strong: '1' }

// oxlint-disable-next-line no-control-regex
const STYLE = /(\u001B\[[0-9]{1,2}m)/
const OWN_STYLE = new RegExp(`^\\u001B\\[(?:${[0, ...Object.values(CODES)].join('|')})m$`)
/**
 * What steers a terminal or misleads the eye: control characters (C0 but tab and line feed, DEL, C1), marks
 * and overrides of the writing direction, invisible spaces, line and paragraph separators.
 */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g

/**
 * Text from outside as one line of characters that can all be seen: what steers a terminal stands as its
 * escape, `\u001b`, and what is longer than `maxLength` UTF-16 code units is cut.
 */
export function visible(text: string, maxLength = 2_000): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return cut.replace(/[\t\n]/g, escapeUnits).replace(UNSEEN, escapeUnits)
}

function escapeUnits(text: string): string {
  return Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('')
}

/** A line of our own: its styles stay, whatever else a terminal would obey does not. */
function printable(line: string): string {
  return line
    .split(STYLE)
    .map((part) => (OWN_STYLE.test(part) ? part : part.replace(UNSEEN, escapeUnits)))
    .join('')
}

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
      if (!json) for (const line of lines) stdout.write(`${printable(line)}\n`)
    },
    result(value) {
      clear()
      if (json) stdout.write(`${JSON.stringify(value, null, 2).replace(UNSEEN, escapeUnits)}\n`)
    },
    event(value) {
      if (json) stdout.write(`${JSON.stringify(value).replace(UNSEEN, escapeUnits)}\n`)
    },
    progress(line) {
      if (!live) return
      clear()
      stderr.write(visible(line).slice(0, (stderr.columns ?? 80) - 1))
      shown = true
    },
    paint: (tone, text) => (colour ? `\u001B[${CODES[tone]}m${text}\u001B[0m` : text),
  }
}
