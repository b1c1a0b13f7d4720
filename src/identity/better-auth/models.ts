import type { accountResources } from '../resources.ts'

/** How one model of Better Auth lies in a governed table. */
export interface ModelTable {
  readonly table: keyof typeof accountResources
  /** Better Auth's field names where ours differ. */
  readonly renamed: Readonly<Record<string, string>>
  /** Fields that the database finds rows by; on others rows are compared once they are opened. */
  readonly found: ReadonlySet<string>
  /** Secrets of which only the SHA-256 is stored. A row is returned with the value it was asked by. */
  readonly hashed: ReadonlySet<string>
  /** Values that every row of the table gets. */
  readonly fixed: Readonly<Record<string, unknown>>
}

/** Tenant of rows that belong to nobody in particular. */
export function modelTables(realm: string): ReadonlyMap<string, ModelTable> {
  const none = { renamed: {}, hashed: new Set<string>(), fixed: {} }
  return new Map<string, ModelTable>([
    [
      'user',
      { ...none, table: 'accounts', renamed: { id: 'personId' }, found: new Set(['personId', 'email']) },
    ],
    [
      'account',
      {
        ...none,
        table: 'credentials',
        renamed: { userId: 'personId' },
        found: new Set(['id', 'personId', 'providerId', 'accountId']),
      },
    ],
    [
      'session',
      {
        ...none,
        table: 'sign_in_sessions',
        renamed: { userId: 'personId' },
        found: new Set(['id', 'personId', 'token']),
        hashed: new Set(['token']),
      },
    ],
    [
      'verification',
      {
        ...none,
        table: 'sign_in_challenges',
        found: new Set(['id', 'identifier', 'expiresAt']),
        hashed: new Set(['identifier']),
        fixed: { realmId: realm },
      },
    ],
  ])
}
