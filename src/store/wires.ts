import pg from 'pg'
import { sendBatch, type Step } from './batch.ts'
import { PreparedStatements } from './prepared.ts'

/** What the connections of one pool can do, as it was found out at the first of them. */
export interface Wires {
  /** True: batches behind one Sync work with this driver and this server. */
  batches: boolean
  /** True: a connection keeps its prepared statements. */
  prepares: boolean
  readonly statements: WeakMap<pg.ClientBase, PreparedStatements>
}

/** Connections that can do nothing more than one statement at a time, as long as nobody looked. */
export function plainWires(): Wires {
  return { batches: false, prepares: false, statements: new WeakMap() }
}

/** What a connection keeps prepared; null where it keeps nothing. */
export function statementsOf(wires: Wires, client: pg.ClientBase): PreparedStatements | null {
  if (!wires.prepares) return null
  const known = wires.statements.get(client) ?? new PreparedStatements()
  wires.statements.set(client, known)
  return known
}

const PROBED = 'surety.probe'
const LOOK = `select current_setting($1, true) as seen, $2::int8 as whole`

/** How long the trial may take. */
const PROBE_TIMEOUT_MS = 5_000

/**
 * Tries a batch as the store sends them: that its statements share one transaction with its
 * settings, that a prepared statement comes again, that a failure is told for the right step and
 * undoes the settings, and that nothing is left behind. Whatever goes otherwise, the driver's
 * insides among it, leaves the wires plain; the connection is of no use then.
 *
 * @throws Error the driver's, when the connection was lost
 */
export async function probeWires(client: pg.ClientBase): Promise<Wires> {
  const wires: Wires = { batches: true, prepares: true, statements: new WeakMap() }
  const { promise: tooLate, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS)
  try {
    return (await Promise.race([works(client, wires), tooLate])) ? wires : plainWires()
  } catch {
    // Fails in its own way where it is the connection that was lost, and says nothing about the driver.
    await client.query('select 1')
    return plainWires()
  } finally {
    clearTimeout(timer)
  }
}

async function works(client: pg.ClientBase, wires: Wires): Promise<boolean> {
  return (await isWhole(client, wires)) && (await isWhole(client, wires)) && (await failsWhole(client, wires))
}

const set: Step = { sql: 'select set_config($1, $2, true)', parameters: [PROBED, 'yes'], prepare: true }
const look: Step = { sql: LOOK, parameters: [PROBED, 7], prepare: true }

async function isWhole(client: pg.ClientBase, wires: Wires): Promise<boolean> {
  const [, inside] = await sendBatch(client, [set, look], statementsOf(wires, client))
  const [outside] = await sendBatch(client, [look], statementsOf(wires, client))
  return inside?.rows[0]?.['seen'] === 'yes' && inside.rows[0]['whole'] === 7 && !outside?.rows[0]?.['seen']
}

async function failsWhole(client: pg.ClientBase, wires: Wires): Promise<boolean> {
  const statements = statementsOf(wires, client)
  const failing: Step = { sql: 'select 1 / $1::int', parameters: [0] }
  const step = await sendBatch(client, [set, failing, look], statements).then(
    () => null,
    (error: { step: number; cause: { code?: string } }) => (error.cause.code === '22012' ? error.step : null),
  )
  const [outside] = await sendBatch(client, [look], statements)
  return step === 1 && !outside?.rows[0]?.['seen']
}

const INVALID_STATEMENT_NAME = '26000'
const CACHED_PLAN_CHANGED = '0A000'

/**
 * True when the server does not have, or would not run, what it had prepared: the batch did nothing
 * and may be sent again. A server that loses statements stands behind a pooler: it keeps none from
 * then on.
 */
export function isForgotten(wires: Wires, statements: PreparedStatements, cause: unknown): boolean {
  const code = cause instanceof pg.DatabaseError ? cause.code : undefined
  if (code !== INVALID_STATEMENT_NAME && code !== CACHED_PLAN_CHANGED) return false
  if (code === INVALID_STATEMENT_NAME) wires.prepares = false
  statements.forget()
  return true
}
