import type pg from 'pg'
import { readMoment } from './moment-text.ts'
import { prepareValue, type Prepared, type PreparedStatements } from './prepared.ts'

/** One statement of a batch. */
export interface Step {
  readonly sql: string
  readonly parameters: readonly unknown[]
  /** True where the text comes again and again: the connection keeps it prepared. */
  readonly prepare?: boolean
}

/** What one statement gave. */
export interface StatementResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** Rows affected, or returned by a select. */
  readonly count: number
}

/** A batch that failed as a whole: none of its statements had an effect. */
export class BatchFailure extends Error {
  /** Which of the steps failed; their number when the failure came at the end. */
  readonly step: number
  /** False when the failure came before the server could tell of one. */
  readonly fromServer: boolean

  constructor(cause: unknown, step: number, fromServer: boolean) {
    super('a batch failed', { cause })
    this.step = step
    this.fromServer = fromServer
  }
}

/**
 * Sends all steps behind one Sync: outside a transaction block Postgres makes them one transaction
 * (PostgreSQL manual, Message Flow, Pipelining), committed at the Sync or not at all. Steps are taken
 * one by one, so the server works on the first while the next is being made; a failure in making one
 * fails the batch.
 *
 * @param statements what the connection keeps prepared; null to prepare nothing
 * @throws BatchFailure
 */
export function sendBatch(
  client: pg.ClientBase,
  steps: Iterable<Step>,
  statements: PreparedStatements | null,
): Promise<StatementResult[]> {
  return new Promise((resolve, reject) => {
    client.query(new Batch(client, steps, statements, resolve, reject) as unknown as pg.Submittable)
  })
}

/** The driver's connection as far as a batch uses it. */
export interface Wire {
  readonly stream: { cork(): void; uncork(): void; readonly writableLength: number }
  parse(message: { name: string; text: string; types: readonly number[] }): void
  bind(message: {
    portal: string
    statement: string
    values: readonly unknown[]
    valueMapper: (value: unknown) => unknown
  }): void
  describe(message: { type: 'P'; name: string }): void
  execute(message: { portal: string }): void
  close(message: { type: 'S'; name: string }): void
  sync(): void
  sendCopyFail(reason: string): void
}

/** The object id of `timestamptz`, which is the same in every server. */
const TIMESTAMPTZ = 1184

interface Field {
  readonly name: string
  readonly dataTypeID: number
}

/** How the rows of one statement are read. */
export interface RowShape {
  readonly fields: readonly Field[]
  readonly parsers: readonly ((text: string) => unknown)[]
  readonly blank: Readonly<Record<string, unknown>>
}

interface Sent {
  readonly prepared: Prepared | null
  shape: RowShape | null
  readonly rows: Record<string, unknown>[]
  count: number
}

/** A text that no server parses: it fails what was sent of a batch that cannot be finished. */
const UNPARSABLE = '!'

/** Steps are sent once they come to as much: small ones all together, large ones each by itself. */
const FULL_BYTES = 16_384

/** Answers the driver's calls as its own `Query` would; the driver calls it while it is the active one. */
class Batch {
  readonly #client: pg.ClientBase
  readonly #steps: Iterable<Step>
  readonly #statements: PreparedStatements | null
  readonly #resolve: (results: StatementResult[]) => void
  readonly #reject: (failure: BatchFailure) => void
  readonly #sent: Sent[] = []
  #answered = 0
  #failure: { readonly cause: unknown } | null = null

  constructor(
    client: pg.ClientBase,
    steps: Iterable<Step>,
    statements: PreparedStatements | null,
    resolve: (results: StatementResult[]) => void,
    reject: (failure: BatchFailure) => void,
  ) {
    this.#client = client
    this.#steps = steps
    this.#statements = statements
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(wire: Wire): null {
    const { stream } = wire
    stream.cork()
    try {
      for (const step of this.#steps) {
        this.#write(wire, step)
        if (stream.writableLength < FULL_BYTES) continue
        stream.uncork()
        stream.cork()
      }
    } catch (cause) {
      this.#failure = { cause }
      wire.parse({ name: '', text: UNPARSABLE, types: [] })
    }
    wire.sync()
    stream.uncork()
    return null
  }

  #write(wire: Wire, { sql, parameters, prepare = false }: Step): void {
    const prepared = prepare && this.#statements ? this.#statements.take(wire, sql) : null
    if (!prepared?.parsed) wire.parse({ name: prepared?.name ?? '', text: sql, types: [] })
    const statement = prepared?.name ?? ''
    wire.bind({ portal: '', statement, values: parameters, valueMapper: prepareValue })
    // A prepared statement's columns do not change: the server refuses it once they would.
    if (!prepared?.parsed) wire.describe({ type: 'P', name: '' })
    wire.execute({ portal: '' })
    this.#sent.push({ prepared, shape: prepared?.shape ?? null, rows: [], count: 0 })
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    const parsers = fields.map(({ dataTypeID }) => {
      const parse = this.#client.getTypeParser(dataTypeID, 'text') as RowShape['parsers'][number]
      return dataTypeID === TIMESTAMPTZ ? (text: string) => readMoment(text) ?? parse(text) : parse
    })
    const blank = Object.fromEntries(fields.map(({ name }) => [name, null]))
    this.#current.shape = { fields, parsers, blank }
  }

  handleDataRow({ fields: texts }: { fields: readonly (string | null)[] }): void {
    if (this.#failure) return
    const { shape, rows } = this.#current
    if (!shape) return
    const row = { ...shape.blank }
    try {
      for (let i = 0; i < texts.length; i++) {
        const text = texts[i]
        if (text !== null && text !== undefined) row[shape.fields[i]!.name] = shape.parsers[i]!(text)
      }
    } catch (cause) {
      this.#failure = { cause }
    }
    rows.push(row)
  }

  handleCommandComplete({ text }: { text: string }): void {
    const sent = this.#current
    sent.count = Number(/ (\d+)$/.exec(text)?.[1] ?? 0)
    if (sent.prepared) {
      sent.prepared.parsed = true
      sent.prepared.shape = sent.shape
    }
    this.#answered++
  }

  handleEmptyQuery(): void {
    this.#answered++
  }

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail('a batch copies nothing')
  }

  handleCopyData(): void {}
  handlePortalSuspended(): void {}

  handleError(error: unknown): void {
    const { cause } = this.#failure ?? { cause: error }
    this.#reject(new BatchFailure(cause, this.#answered, this.#failure === null))
  }

  /** Only here is the transaction committed. */
  handleReadyForQuery(): void {
    if (this.#failure) return this.#reject(new BatchFailure(this.#failure.cause, this.#answered, false))
    this.#resolve(this.#sent.map(({ rows, count }) => ({ rows, count })))
  }

  get #current(): Sent {
    return this.#sent[this.#answered]!
  }
}
