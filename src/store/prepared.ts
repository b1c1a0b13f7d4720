import { createHash } from 'node:crypto'
import pg from 'pg'
import type { RowShape, Wire } from './batch.ts'

/** One statement that a connection keeps prepared. */
export interface Prepared {
  readonly name: string
  /** True once the server has said so. */
  parsed: boolean
  /** Its columns; null for a statement without rows. */
  shape: RowShape | null
}

/** Most statements kept on one connection: each holds its plan in the server's memory. */
const MOST = 250

/**
 * The statements that one connection keeps prepared, the least recently used dropped first.
 *
 * A name is the digest of its text. So even where a pooler hands the server's connection to somebody
 * else, a name stands for one text, and no statement is taken for another.
 */
export class PreparedStatements {
  readonly #byText = new Map<string, Prepared>()

  /** The statement of that text; not parsed yet when it is new, and then closed under its name. */
  take(wire: Wire, text: string): Prepared {
    const known = this.#byText.get(text)
    if (known) this.#byText.delete(text)
    const prepared = known ?? { name: nameOf(text), parsed: false, shape: null }
    this.#byText.set(text, prepared)
    // Where an earlier batch failed, nobody knows whether the name is taken.
    if (!prepared.parsed) wire.close({ type: 'S', name: prepared.name })
    if (this.#byText.size > MOST) this.#dropOldest(wire)
    return prepared
  }

  #dropOldest(wire: Wire): void {
    const [text, { name }] = this.#byText.entries().next().value!
    this.#byText.delete(text)
    wire.close({ type: 'S', name })
  }

  forget(): void {
    this.#byText.clear()
  }
}

function nameOf(text: string): string {
  return `surety_${createHash('sha256').update(text).digest('hex').slice(0, 40)}`
}

/** The driver's own reading of a JavaScript value as a parameter; its typings leave it out. */
export const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => unknown } })
  .utils
