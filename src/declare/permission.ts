/** What a permission allows on a resource: `read` selects, `write` inserts and updates, `delete` deletes. */
export type Action = 'read' | 'write' | 'delete'

/** Whose rows: the principal's own (its subject id), its tenant's, or everybody's. */
export type Scope = 'own' | 'tenant' | 'any'

/** `'heartbeats:read:own'`; `*` stands for every action. */
export type PermissionText = `${string}:${Action | '*'}:${Scope}`

export interface Permission {
  readonly resource: string
  readonly actions: readonly Action[]
  readonly scope: Scope
}
