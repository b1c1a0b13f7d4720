import type { AnyDefinition } from './define-resource.ts'
import type { DefinitionCheck } from './definition.ts'
import type { FieldKind, Field } from './field.ts'
import type { Resource } from './resource.ts'

/** Kinds whose equality in the database is that of their values. */
const KINDS: readonly FieldKind[] = ['id', 'text', 'integer', 'boolean', 'timestamp', 'date', 'choice']

/**
 * The unique sets without the tenant, which every one of them begins with in the database: a conflict
 * then tells nobody of another tenant's rows.
 */
export function checkUnique(
  check: DefinitionCheck,
  { unique, fields, tenant, subject }: AnyDefinition,
  seal: Resource['seal'],
): Resource['unique'] {
  const leading = tenant ?? subject
  const sets = (unique ?? []).map((names, i) => {
    const key = `unique[${i}]`
    const others = names.filter((name) => name !== leading)
    check.that(
      new Set(names).size === names.length && (others.length > 0 || names.length > 0),
      key,
      'names no field, or one twice',
      'name each field once',
    )
    for (const name of others) checkMember(check, key, name, fields[name], seal)
    return Object.freeze(others)
  })
  const texts = sets.map((names) => names.toSorted().join())
  check.that(new Set(texts).size === texts.length, 'unique', 'has the same set twice', 'remove one')
  return Object.freeze(sets)
}

function checkMember(
  check: DefinitionCheck,
  key: string,
  name: string,
  field: Field | undefined,
  seal: Resource['seal'],
): void {
  check.that(field !== undefined, key, `names ${JSON.stringify(name)}, which no field is`, 'declare it')
  check.that(
    !field.optional,
    key,
    `names the optional field ${name}`,
    'make it required: rows without a value would not conflict',
  )
  check.that(
    KINDS.includes(field.kind),
    key,
    `names ${name}, whose kind has no plain equality`,
    'leave it out',
  )
  const sealed = seal !== 'none' && field.kind !== 'id' && field.clear === null
  check.that(
    !sealed || field.index === 'blind',
    key,
    `names the sealed field ${name}`,
    `give ${name} index: 'blind'`,
  )
}
