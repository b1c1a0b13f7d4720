import pg from 'pg'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import type { Logger } from './logger.ts'

const OID = { int8: 20, date: 1082, timestamp: 1114 } as const

/** int8 as a number, refused beyond ±(2^53 − 1); dates and zoneless timestamps as their text. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary') {
      if (oid === OID.int8) return parseInteger
      if (oid === OID.date || oid === OID.timestamp) return (text: string) => text
    }
    return pg.types.getTypeParser(oid, format)
  }) as pg.CustomTypesConfig['getTypeParser'],
}

function parseInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new DatabaseError('ERR_DATABASE_INTEGER', 'an integer of the database does not fit')
  return value
}

/** A pool whose connections parse values as this library expects and whose idle errors are logged, never thrown. */
export function createPool(config: pg.PoolConfig, logger: Logger): pg.Pool {
  const pool = new pg.Pool({ application_name: 'surety', connectionTimeoutMillis: 10_000, ...config, types })
  const report = (error: Error): void => {
    logger.warn({ code: (error as { code?: string }).code ?? error.name }, 'a database connection was lost')
  }
  pool.on('error', report)
  pool.on('connect', (client) => client.on('error', report))
  return pool
}

/** Another pool to the same database under the same role, for work that must not wait for the first one's. */
export function poolBeside({ options }: pg.Pool, max: number, logger: Logger): pg.Pool {
  // The driver hides the password from copies.
  return createPool({ ...options, password: options.password!, max }, logger)
}

/** The narrow view of a client or pool. */
export function asConnection(queryable: pg.Pool | pg.ClientBase): Connection {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      const result = await queryable.query(text, values as unknown[])
      return result.rows as Row[]
    },
  }
}

export interface TransactionOptions {
  /** Default: `'read committed'`. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
}

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. A
 * connection that cannot even roll back is discarded.
 */
export async function inTransaction<Result>(
  pool: pg.Pool,
  work: (connection: Connection) => Promise<Result>,
  { isolation = 'read committed' }: TransactionOptions = {},
): Promise<Result> {
  const client = await pool.connect()
  let broken = false
  try {
    await client.query(`begin isolation level ${isolation}`)
    const result = await work(asConnection(client))
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** `"name"` with quotes doubled. */
export function quoteIdentifier(name: string): string {
  return pg.escapeIdentifier(name)
}

export function quoteLiteral(text: string): string {
  return pg.escapeLiteral(text)
}
