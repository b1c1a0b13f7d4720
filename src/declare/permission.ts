/** What a permission allows on a resource: `read` selects, `write` inserts and updates, `delete` deletes. */
export type Action = 'read' | 'write' | 'delete'

/** Whose rows: the principal's own (its subject id), its tenant's, or everybody's. */
export type Scope = 'own' | 'tenant' | 'any'

/**
 * `'heartbeats:read:own'`; `*` stands for every action. A list of fields behind the scope leaves the
 * permission to those: `'heartbeats:read:tenant(time,language)'`.
 */
export type PermissionText = `${string}:${Action | '*'}:${Scope | `${Scope}(${string})`}`

export interface Permission {
  readonly resource: string
  readonly actions: readonly Action[]
  readonly scope: Scope
  /**
   * The fields that may be read or written; null for all, those declared later among them. `id` and
   * `createdAt` may always be read. A deletion takes whole rows and has no columns.
   */
  readonly columns: readonly string[] | null
}
