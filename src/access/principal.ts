/** Who is asking. Surety never guesses one: every governed statement carries a principal. */
export interface Principal {
  readonly kind: 'user' | 'operator' | 'system' | 'anonymous'
  /** The person's pseudonym (a subject id), the operator's id, or the name of a system task. */
  readonly id: string
  /** The tenant the principal acts in; null before one is known and for `system`. */
  readonly tenant: string | null
  readonly roles: readonly string[]
  /** The operator's grant, when there is one. */
  readonly grant?: string
}
