import pg from 'pg'
import { SuretyError } from '../kernel/index.ts'
import { StoreError } from './errors.ts'

type Code = ConstructorParameters<typeof StoreError>[0]

const BY_STATE: Readonly<Record<string, readonly [Code, string]>> = {
  '23505': ['ERR_STORE_CONFLICT', 'a unique value exists already'],
  '23503': ['ERR_STORE_REFERENCE', 'a row that is referred to is missing, or still referred to'],
  '40001': ['ERR_STORE_RETRY', 'a concurrent transaction came first'],
  '40P01': ['ERR_STORE_RETRY', 'two transactions waited for each other'],
  '55P03': ['ERR_STORE_RETRY', 'another transaction holds the row'],
  '25006': [
    'ERR_STORE_DATABASE',
    'a read-only transaction was to write a row, or the first data key of its owner',
  ],
  '25P02': ['ERR_STORE_ABORTED', 'an earlier statement of the transaction failed'],
  '08P01': ['ERR_STORE_VALUE', 'the statement could not be sent'],
  '42803': ['ERR_STORE_DATABASE', 'a selected column is neither grouped by nor aggregated'],
  '42804': ['ERR_STORE_DATABASE', 'two types do not go together'],
  '42883': ['ERR_STORE_DATABASE', 'no function or operator takes these types: cast the operands'],
  '42P10': ['ERR_STORE_DATABASE', 'no unique constraint has the columns of onConflict'],
  '42501': ['ERR_STORE_FORBIDDEN', 'row-level security refused the statement'],
}
const BY_CLASS: Readonly<Record<string, readonly [Code, string]>> = {
  '22': ['ERR_STORE_VALUE', 'a value does not fit its use'],
  '23': ['ERR_STORE_VALUE', 'a value does not fit its column'],
  '08': ['ERR_STORE_UNAVAILABLE', 'the connection to the database was lost'],
  '53': ['ERR_STORE_UNAVAILABLE', 'the database is out of resources'],
  '54': ['ERR_STORE_TOO_LARGE', 'the statement is beyond a limit of the database'],
  '57': ['ERR_STORE_UNAVAILABLE', 'the database ended the statement'],
}

/**
 * The database's error as a code. Its message and detail can hold values of rows, of other tenants
 * even: only the SQLSTATE and the constraint's name are kept.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof SuretyError) return error
  // The driver writes objects as JSON, and fails before it sends anything.
  if (error instanceof TypeError)
    return new StoreError('ERR_STORE_VALUE', 'a value cannot be sent to the database')
  if (!(error instanceof pg.DatabaseError)) {
    return new StoreError('ERR_STORE_UNAVAILABLE', 'the database did not answer')
  }
  const { code: sqlstate = 'unknown', constraint = null } = error
  const [code, what] = BY_STATE[sqlstate] ??
    BY_CLASS[sqlstate.slice(0, 2)] ?? ['ERR_STORE_DATABASE' as const, 'the database refused the statement']
  return new StoreError(code, `${what} (SQLSTATE ${sqlstate})`, { cause: { sqlstate, constraint } })
}
