/**
 * Finds the line of each token. The lexer keeps no positions, so a cursor follows the tokens through
 * the source: they come in its order, each token's raw text at or after the one before.
 */
export class SourceLines {
  readonly #source: string
  #at = 0
  #end: number

  constructor(source: string) {
    this.#source = source
    this.#end = source.length
  }

  /** Moves to the next top-level block; look-ups then stay inside it. */
  enterBlock(raw: string): void {
    const start = this.#source.indexOf(raw, this.#blockEnd)
    this.#at = start === -1 ? this.#blockEnd : start
    this.#end = this.#at + raw.length
    this.#blockEnd = this.#end
  }

  #blockEnd = 0

  /** Line of the next occurrence of a token's first visible line, from 1; the cursor moves behind it. */
  locate(raw: string): number {
    const first = raw.split('\n').find((line) => line.trim() !== '') ?? ''
    const block = this.#source.slice(this.#at, this.#end)
    const found = first === '' ? -1 : block.indexOf(first.trim())
    if (found !== -1) this.#at += found
    const line = this.lineHere()
    if (found !== -1) this.#at += first.trim().length
    return line
  }

  /** Line of the cursor, from 1. */
  lineHere(): number {
    let line = 1
    for (let i = this.#source.indexOf('\n'); i !== -1 && i < this.#at; i = this.#source.indexOf('\n', i + 1))
      line++
    return line
  }
}
