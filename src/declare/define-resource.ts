import { isDuration, parseDuration, type Duration } from '../kernel/index.ts'
import { checkDefinition, type DefinitionCheck } from './definition.ts'
import { checkSubjects } from './define-subjects.ts'
import { checkUnique } from './define-unique.ts'
import type { FieldMap, LawfulBasis, OnErase, Resource } from './resource.ts'

export interface ResourceDefinition<Name extends string, Fields extends FieldMap> {
  /** The table's name: `[a-z][a-z0-9_]*`, at most 40 characters. */
  readonly name: Name
  /** The id field naming the data subject. Left out: the rows are about nobody. */
  readonly subject?: keyof Fields & string
  /**
   * Instead of `subject`, where a row is about several people: the id fields that name them, and what
   * the erasure of each does to the row. Needs a tenant. One whose erasure blanks is declared optional.
   */
  readonly subjects?: { readonly [Name in keyof Fields & string]?: OnErase }
  /** The id field naming the tenant. Left out: the subject is its own tenant. */
  readonly tenant?: keyof Fields & string
  /** Without a subject: seal the rows under the tenant's key. Default: plain columns. */
  readonly seal?: 'tenant'
  readonly purpose: string
  readonly basis: LawfulBasis
  readonly retention: 'account' | Duration
  /** Default `'refuse'`. */
  readonly undeclared?: 'drop' | 'refuse'
  /** Raise it by one when the sealed fields change meaning. Default 1, at most 65,535. */
  readonly schemaVersion?: number
  /**
   * Sets of required fields whose values no two rows of one tenant share, such as `[['slug']]`; a
   * sealed field needs `index: 'blind'`. What `onConflict` can name. Default none.
   */
  readonly unique?: readonly (readonly (keyof Fields & string)[])[]
  readonly fields: Fields
}

const KEYS = [
  'name',
  'subject',
  'subjects',
  'tenant',
  'seal',
  'purpose',
  'basis',
  'retention',
  'undeclared',
  'schemaVersion',
  'unique',
  'fields',
]
const BASES: readonly LawfulBasis[] = [
  'consent',
  'contract',
  'legal-obligation',
  'vital-interests',
  'public-task',
  'legitimate-interests',
]
const MOST_FIELDS = 200

/**
 * Declares one resource of the data map: its table, whom its rows are about, why and how long they
 * are kept, and its fields. Everything else derives from it.
 *
 * @throws DeclareError `ERR_DECLARE_RESOURCE` naming the key and the mend
 */
export function resource<const Name extends string, const Fields extends FieldMap>(
  definition: ResourceDefinition<Name, Fields>,
): Resource<Name, Fields> {
  const check: DefinitionCheck = checkDefinition(
    'ERR_DECLARE_RESOURCE',
    `resource ${JSON.stringify(definition.name)}`,
  )
  check.onlyKnown(definition, KEYS)
  checkName(check, definition.name)
  checkFields(check, definition.fields)
  checkProcessing(check, definition)
  const subject = checkReference(check, definition, 'subject')
  const tenant = checkReference(check, definition, 'tenant')
  check.that(
    subject === null || subject !== tenant,
    'tenant',
    'is the subject',
    'leave tenant out: a person is then their own tenant',
  )
  const seal = checkSeal(check, definition, subject, tenant)
  checkSealedFields(check, definition.fields, seal)
  const subjects = checkSubjects(check, definition)
  const unique = checkUnique(check, definition, seal)
  const schemaVersion = definition.schemaVersion ?? 1
  const fits = Number.isInteger(schemaVersion) && schemaVersion >= 1 && schemaVersion <= 65_535
  check.that(fits, 'schemaVersion', 'is not a whole number of 1 to 65,535', 'count up from 1')
  return Object.freeze({
    name: definition.name,
    subject,
    subjects,
    tenant,
    seal,
    purpose: definition.purpose,
    basis: definition.basis,
    retention: definition.retention,
    undeclared: definition.undeclared ?? 'refuse',
    schemaVersion,
    unique,
    fields: Object.freeze({ ...definition.fields }),
  })
}

/** Any resource's definition, before it is checked. */
export type AnyDefinition = Pick<
  ResourceDefinition<string, FieldMap>,
  'purpose' | 'basis' | 'retention' | 'fields'
> & {
  readonly subjects?: { readonly [name: string]: OnErase | undefined } | undefined
  readonly unique?: readonly (readonly string[])[] | undefined
} & {
  readonly [key in 'subject' | 'tenant' | 'seal' | 'undeclared']?: string | undefined
}

function checkName(check: DefinitionCheck, name: unknown): void {
  const fits = typeof name === 'string' && /^[a-z][a-z0-9_]{0,39}$/.test(name) && !/^(pg_|surety)/.test(name)
  check.that(
    fits,
    'name',
    'does not fit a table',
    "use [a-z][a-z0-9_]*, at most 40 characters, not beginning with 'pg_' or 'surety'",
  )
}

function checkFields(check: DefinitionCheck, fields: FieldMap): void {
  const names = Object.keys(fields ?? {})
  const mend = 'declare 1 to 200 fields with field.text(…), field.timestamp(…) …'
  check.that(names.length >= 1 && names.length <= MOST_FIELDS, 'fields', 'has none or too many', mend)
  for (const name of names) {
    const key = `fields.${name}`
    const fits = /^[a-z][A-Za-z0-9]{0,39}$/.test(name) && name !== 'id' && name !== 'createdAt'
    check.that(
      fits,
      key,
      'is not a field name',
      "use camelCase of at most 40 letters and digits; 'id' and 'createdAt' are implicit",
    )
    check.that(
      typeof fields[name]?.kind === 'string',
      key,
      'is not a field',
      'use field.text(…), field.timestamp(…) …',
    )
  }
}

function checkProcessing(check: DefinitionCheck, definition: AnyDefinition): void {
  check.words(definition.purpose, 'purpose', 'say in words what the data is for')
  check.that(
    BASES.includes(definition.basis),
    'basis',
    'is not a lawful basis',
    `use one of: ${BASES.join(', ')} (GDPR Art. 6(1))`,
  )
  const { retention, undeclared } = definition
  const period = retention === 'account' || (isDuration(String(retention)) && parseDuration(retention) > 0)
  check.that(period, 'retention', 'is not a period', "use 'account' or a duration such as '90d'")
  const known = undeclared === undefined || undeclared === 'drop' || undeclared === 'refuse'
  check.that(known, 'undeclared', 'is not a known choice', "use 'drop' or 'refuse'")
}

function checkReference(
  check: DefinitionCheck,
  definition: AnyDefinition,
  key: 'subject' | 'tenant',
): string | null {
  const name = definition[key]
  if (name === undefined) return null
  const referred = definition.fields[name]
  check.that(
    referred?.kind === 'id',
    key,
    `names ${JSON.stringify(name)}, which is no id field`,
    `declare ${name}: field.id()`,
  )
  check.that(
    !referred.optional,
    key,
    'names an optional field',
    `remove optional from ${name}: every row has a ${key}`,
  )
  return name
}

function checkSeal(
  check: DefinitionCheck,
  { seal, subjects }: AnyDefinition,
  subject: string | null,
  tenant: string | null,
): Resource['seal'] {
  if (subjects !== undefined) {
    check.that(seal === undefined, 'seal', 'stands beside subjects', 'leave seal out: their own keys seal')
    return 'subject'
  }
  if (seal === undefined) return subject === null ? 'none' : 'subject'
  check.that(seal === 'tenant', 'seal', 'is not a known choice', "use seal: 'tenant', or leave it out")
  check.that(
    subject === null,
    'seal',
    'stands beside a subject',
    'leave seal out: the subject’s own key seals the rows',
  )
  check.that(
    tenant !== null,
    'seal',
    'has no tenant to take the key of',
    'declare the tenant, or leave seal out',
  )
  return 'tenant'
}

function checkSealedFields(check: DefinitionCheck, fields: FieldMap, seal: Resource['seal']): void {
  for (const [name, { clear, index, kind }] of Object.entries(fields)) {
    const key = `fields.${name}`
    if (seal !== 'none') continue
    check.that(
      clear === null,
      key,
      'gives a reason for being clear, yet nothing is sealed here',
      'remove clear, or declare a subject',
    )
    check.that(
      index === null || kind === 'id',
      key,
      'has a blind index, yet nothing is sealed here',
      'remove index',
    )
  }
}
