import { randomInt } from 'node:crypto'
import { inTransaction, quoteIdentifier, type Connection } from '../../database/index.ts'
import { ENVELOPE_COLUMN, sealedFields } from '../../declare/index.ts'
import { clockFromEnvironment } from '../../compose/clock.ts'
import { exitCodeOf, verifySite } from '../../verify/index.ts'
import { CliError } from '../errors.ts'
import type { Attack, Caught, Target } from './attack.ts'

const PROMISE = 'encryption.rest'
/** Bytes before the ciphertext: format, algorithm, schema version, key id, nonce. */
const HEADER_BYTES = 32

/** One bit of a stored envelope flipped, as a database administrator could. */
export const tamperRow: Attack = {
  name: 'tamper-row',
  does: 'flip one bit in a stored, sealed row, behind the library’s back',
  async carryOut(target) {
    const failed = await failedEnvelopes(target)
    const table = await change(target, 1, async (connection, name, [row]) => {
      const envelope = Buffer.from(row!.envelope)
      const at = randomInt(HEADER_BYTES, envelope.length)
      envelope[at]! ^= 1 << randomInt(8)
      await writeEnvelope(connection, name, row!.id, envelope)
    })
    before.set(target, failed)
    return `one bit of a row of ${table} is flipped`
  },
  detect: detectEnvelope,
}

/** One row's envelope put into another row, as a database administrator could. */
export const moveCiphertext: Attack = {
  name: 'move-ciphertext',
  does: 'put the sealed fields of one row into another row, behind the library’s back',
  async carryOut(target) {
    const failed = await failedEnvelopes(target)
    const table = await change(target, 2, async (connection, name, [from, to]) => {
      await writeEnvelope(connection, name, to!.id, Buffer.from(from!.envelope))
    })
    before.set(target, failed)
    return `the envelope of one row of ${table} stands in another`
  },
  detect: detectEnvelope,
}

/** What should be sealed stored as it is, as code could that goes round the library. */
export const writePlaintext: Attack = {
  name: 'write-plaintext',
  does: 'write personal data unsealed into a stored row, behind the library’s back',
  async carryOut(target) {
    const failed = await failedEnvelopes(target)
    const table = await change(target, 1, async (connection, name, [row]) => {
      await writeEnvelope(
        connection,
        name,
        row!.id,
        Buffer.from(JSON.stringify({ note: 'readable by anyone' })),
      )
    })
    before.set(target, failed)
    return `a row of ${table} holds plain text where its envelope was`
  },
  detect: detectEnvelope,
}

/** Envelopes that already failed before the attack: one that an earlier attack broke must not count again. */
const before = new WeakMap<Target, number>()

async function detectEnvelope(target: Target): Promise<Caught | null> {
  const failedBefore = before.get(target) ?? 0
  const [run] = await measure(target)
  const failed = Number(run?.values['failed'] ?? 0)
  if (run?.outcome !== 'broken' || failed <= failedBefore) return null
  const logSize = await target.tool.surety.published()
  const verifyExit = exitCodeOf(
    await verifySite({ fetch, url: target.url, now: clockFromEnvironment().now() }),
  )
  return { by: run.key, saw: run.summary, verifyExit, logSize, views: [] }
}

/** As the last measurement saw it. */
async function failedEnvelopes({ tool }: Target): Promise<number> {
  const standings = await tool.surety.standings()
  const last = standings.find(({ claim, withdrawnAt }) => claim.id === PROMISE && withdrawnAt === null)
  return Number(last?.observed?.values['failed'] ?? 0)
}

function measure({ tool, terminal }: Target) {
  return tool.surety.probe({
    site: tool.site,
    only: [PROMISE],
    onProgress: ({ key, done, what }) => terminal.progress(`${key}: ${done} ${what}`),
  })
}

interface StoredRow {
  readonly id: string
  readonly envelope: Uint8Array
}

type Change = (connection: Connection, table: string, rows: readonly StoredRow[]) => Promise<void>

/** Changes rows of the table that has the most: an earlier attack's row is hardly met again. */
async function change({ tool, database }: Target, rows: number, apply: Change): Promise<string> {
  const sealing = Object.values(tool.config.resources).filter((resource) => {
    return sealedFields(resource).length > 0 && resource.subjects.length < 2
  })
  return inTransaction(database.owner, async (connection) => {
    const counted: { name: string; count: number }[] = []
    for (const { name } of sealing) counted.push({ name, count: await openTable(connection, name) })
    const [largest] = counted.toSorted((a, b) => b.count - a.count)
    if (!largest || largest.count < rows) {
      throw new CliError('ERR_CLI_NO_TARGET', 'the demo has stored no sealed row yet')
    }
    const table = tableOf(largest.name)
    const found = await connection.query<StoredRow>(
      `select id, ${ENVELOPE_COLUMN} as envelope from ${table} order by random() limit $1`,
      [rows],
    )
    await apply(connection, table, found)
    return largest.name
  })
}

/** Row-level security is forced on the owner too; who owns the tables can say that it may. Gives the number of rows. */
async function openTable(connection: Connection, resource: string): Promise<number> {
  for (const action of ['read', 'write']) {
    await connection.query(`select set_config($1, 'any', true)`, [`surety.${action}_${resource}`])
  }
  const [row] = await connection.query<{ count: number }>(
    `select count(*) as count from ${tableOf(resource)}`,
  )
  return row?.count ?? 0
}

function tableOf(resource: string): string {
  return `app.${quoteIdentifier(resource)}`
}

async function writeEnvelope(
  connection: Connection,
  table: string,
  id: string,
  envelope: Buffer,
): Promise<void> {
  await connection.query(`update ${table} set ${ENVELOPE_COLUMN} = $2 where id = $1`, [id, envelope])
}
