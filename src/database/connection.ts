/**
 * The narrowest view of one database connection: what the key tree and the logs need to take part
 * in a transaction that somebody else runs. Parameters are `$1 …`; rows come back as plain objects.
 */
export interface Connection {
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>
}
