/** A table that the library keeps for itself. */
export interface SystemTable {
  readonly schema: string
  /** `*`: every table of a schema that another library owns. */
  readonly name: string
  readonly columns: readonly string[] | 'all'
  /** What it holds, for the public data list. */
  readonly holds: string
}

export const SYSTEM_TABLES: readonly SystemTable[] = []
