import type { AnyDefinition } from './define-resource.ts'
import type { DefinitionCheck } from './definition.ts'
import type { FieldMap, OnErase, Subject } from './resource.ts'

const ON_ERASE: readonly unknown[] = ['delete', 'blank', 'keep-others'] satisfies OnErase[]
const MOST_SUBJECTS = 8

/** The people whom the rows are about, and that every field says which of them it is about. */
export function checkSubjects(check: DefinitionCheck, definition: AnyDefinition): readonly Subject[] {
  const { subject, subjects, fields } = definition
  if (subjects === undefined) {
    checkNoneAbout(check, fields)
    return Object.freeze(subject === undefined ? [] : [Object.freeze({ column: subject, onErase: 'delete' })])
  }
  check.that(subject === undefined, 'subjects', 'stands beside subject', 'keep one of the two')
  check.that(
    definition.tenant !== undefined,
    'subjects',
    'has no tenant beside it',
    'declare the tenant: people who share a row are not each their own',
  )
  const listed = Object.entries(subjects).map(([column, onErase]) => {
    checkSubject(check, definition, column, onErase)
    return Object.freeze({ column, onErase: onErase! })
  })
  check.that(
    listed.length >= 2 && listed.length <= MOST_SUBJECTS,
    'subjects',
    `does not name 2 to ${MOST_SUBJECTS} people`,
    'name one person with subject',
  )
  checkAbout(check, fields, listed)
  return Object.freeze(listed)
}

function checkSubject(
  check: DefinitionCheck,
  { fields, tenant }: AnyDefinition,
  column: string,
  onErase: unknown,
): void {
  const key = `subjects.${column}`
  const named = Object.hasOwn(fields, column) ? fields[column] : undefined
  check.that(named?.kind === 'id', key, 'is no id field', `declare ${column}: field.id()`)
  check.that(column !== tenant, key, 'is the tenant', 'name people here')
  check.that(
    ON_ERASE.includes(onErase),
    key,
    'does not say what an erasure does',
    "use 'delete', 'blank' or 'keep-others'",
  )
  check.that(
    onErase === 'delete' || named.optional,
    key,
    'is blanked by an erasure, yet required',
    `declare ${column}: field.id('…', { optional: true }): it reads null afterwards`,
  )
}

function checkAbout(check: DefinitionCheck, fields: FieldMap, subjects: readonly Subject[]): void {
  const columns = subjects.map(({ column }) => column)
  for (const [name, { kind, clear, about, optional }] of Object.entries(fields)) {
    if (kind === 'id') continue
    const key = `fields.${name}`
    const mend = `say which of ${columns.join(', ')} it is about`
    check.that(about !== null || clear !== null, key, 'is sealed and does not say for whom', `about: ${mend}`)
    if (about === null) continue
    const subject = subjects.find(({ column }) => column === about)
    check.that(subject !== undefined, key, `is about ${JSON.stringify(about)}, who is no subject`, mend)
    check.that(
      subject.onErase === 'delete' || optional,
      key,
      `is blanked with ${about}, yet required`,
      'declare it optional: it reads null afterwards',
    )
  }
}

function checkNoneAbout(check: DefinitionCheck, fields: FieldMap): void {
  for (const [name, { about }] of Object.entries(fields)) {
    check.that(
      about === null,
      `fields.${name}`,
      'says whom it is about, yet rows have not several subjects',
      'remove about, or declare subjects',
    )
  }
}
