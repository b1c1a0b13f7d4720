import type { SuretyConfig } from '../declare/index.ts'
import {
  asConnection,
  assertCannotBypass,
  DatabaseError,
  describeSchema,
  inTransaction,
  quoteIdentifier,
  type Connection,
  type Database,
} from '../database/index.ts'
import type { DatabaseView } from '../promises/index.ts'

const CELL_PAGE_ROWS = 500

/** What probes see of the database beside governed queries. */
export function createDatabaseView(database: Database, config: SuretyConfig): DatabaseView {
  const governed = Object.keys(config.resources)
  return {
    kind: database.kind,
    folder: database.databaseDir,
    async tables() {
      const described = await describeSchema(asConnection(database.owner))
      return described.map(({ schema, name, columns }) => ({
        schema,
        name,
        columns: columns.map((column) => column.name),
      }))
    },
    async bypasses() {
      try {
        await assertCannotBypass(asConnection(database.app), governed)
        return []
      } catch (error) {
        if (error instanceof DatabaseError) return [error.message]
        throw error
      }
    },
    async visibleWithoutPrincipal(resource) {
      const text = `select count(*) as visible from app.${quoteIdentifier(resource)}`
      const [row] = await asConnection(database.app).query<{ visible: number }>(text)
      return row?.visible ?? 0
    },
    async plant(value) {
      // Not an update: its log record leaves out what the new row shares with the old one.
      await inTransaction(database.owner, async (connection) => {
        await connection.query('delete from surety.planted')
        await connection.query('insert into surety.planted (id, value) values (1, $1)', [value])
      })
    },
    cells: () => readCells(database, governed),
  }
}

/** Every row of every table as the text of its JSON, page by page, so that no table is held in memory. */
async function* readCells(
  database: Database,
  governed: readonly string[],
): AsyncGenerator<{ table: string; text: string }> {
  for (const { schema, name, kind } of await describeSchema(asConnection(database.owner))) {
    if (kind !== 'table') continue
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    const pages = inPages((page) =>
      inTransaction(database.owner, async (connection) => {
        await showEverything(connection, governed)
        return connection.query<{ text: string }>(
          `select to_jsonb(t)::text as text from ${table} as t order by ctid limit $1 offset $2`,
          [CELL_PAGE_ROWS, page * CELL_PAGE_ROWS],
        )
      }),
    )
    for await (const row of pages) yield { table: `${schema}.${name}`, text: row.text }
  }
}

async function* inPages<Row>(read: (page: number) => Promise<Row[]>): AsyncGenerator<Row> {
  for (let page = 0; ; page++) {
    const rows = await read(page)
    yield* rows
    if (rows.length < CELL_PAGE_ROWS) return
  }
}

/** Row-level security is forced on the owner too: it says, for this transaction, that it reads all. */
async function showEverything(connection: Connection, governed: readonly string[]): Promise<void> {
  await connection.query(
    `select set_config('surety.read_' || resource, 'any', true) from unnest($1::text[]) as resource`,
    [governed],
  )
}
