import pg from 'pg'

/** A pool to the same database under other options; the driver hides the password from copies. */
export function poolLike({ options }: pg.Pool, changes: pg.PoolConfig): pg.Pool {
  return new pg.Pool({ ...options, password: options.password!, ...changes })
}

/**
 * How many round trips `work` takes.
 * @param single a pool of one connection, which `work` uses
 */
export async function roundTrips(single: pg.Pool, work: () => Promise<unknown>): Promise<number> {
  let syncs = 0
  const client = await single.connect()
  const { connection } = client as unknown as { connection: { sync(): void; query(text: string): void } }
  const { sync, query } = connection
  client.release()
  connection.sync = () => {
    syncs++
    sync.call(connection)
  }
  connection.query = (text) => {
    syncs++
    query.call(connection, text)
  }
  await work().finally(() => Object.assign(connection, { sync, query }))
  return syncs
}
