import type { DataKeyRow, KeyOwner } from './tree.ts'

/**
 * The rows of data keys as they were read last, by owner. A row here says nothing about the present:
 * it only lets a statement carry its guess along, for the server to hold against the row.
 */
export interface KeyMemory {
  last(owner: KeyOwner): DataKeyRow | null
  note(row: DataKeyRow): void
  clear(): void
}

/** `max`: most owners; the longest unread is forgotten first. */
export function createKeyMemory(max: number): KeyMemory {
  const rows = new Map<string, DataKeyRow>()
  return {
    last: (owner) => rows.get(ownerName(owner)) ?? null,
    note(row) {
      const name = ownerName(row)
      if (rows.get(name) === undefined && rows.size >= max) rows.delete(rows.keys().next().value!)
      rows.set(name, row)
    },
    clear: () => rows.clear(),
  }
}

export function ownerName({ tenant, subject }: KeyOwner): string {
  return `${tenant}/${subject}`
}
