import { isDuration } from '../kernel/index.ts'
import type { SuretyConfig } from './config.ts'
import type { DefinitionCheck } from './definition.ts'
import type { StaffConfig } from './staff.ts'

const KEYS = [
  ...['roles', 'passkeys', 'queries', 'leastGroup', 'dailyQueries'],
  ...['reviewWithin', 'databaseRoles', 'privileged'],
]
const ROLE_KEYS = ['reads', 'changes', 'kinds', 'approves', 'reviews', 'appoints', 'counts']
const KINDS: readonly string[] = ['support', 'break-glass', 'impersonation']
const RIGHTS: readonly string[] = ['database', 'host', 'deploy', 'keys']

/** Resources that no grant opens: who decides about staff would otherwise be read and changed by staff. */
export const STAFF_PREFIX = 'staff_'

/** Checks what is said about staff. @throws DeclareError `ERR_DECLARE_CONFIG` */
export function checkStaff(check: DefinitionCheck, config: SuretyConfig, staff: StaffConfig): void {
  check.onlyKnown(staff, KEYS)
  const known = Object.keys(staff.roles ?? {})
  check.that(known.length > 0, 'staff.roles', 'is empty', 'declare what each role of staff may ask for')
  for (const name of known) checkRole(check, config, staff, name)
  checkQueries(check, config, staff)
  const { leastGroup = 10, dailyQueries = 20, reviewWithin = '24h' } = staff
  const isCount = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least
  check.that(
    isCount(leastGroup, 5),
    'staff.leastGroup',
    'is below 5',
    'say how many people a group has at least',
  )
  check.that(isCount(dailyQueries, 1), 'staff.dailyQueries', 'is no count', 'say how many a day')
  check.that(isDuration(reviewWithin), 'staff.reviewWithin', 'is not a duration', "write one such as '24h'")
  checkRegister(check, staff)
}

function checkRole(
  check: DefinitionCheck,
  { resources }: SuretyConfig,
  staff: StaffConfig,
  name: string,
): void {
  const role = staff.roles[name]!
  const key = `staff.roles.${name}`
  check.onlyKnown(role, ROLE_KEYS)
  check.that(
    /^[a-z][a-z0-9-]{0,39}$/.test(name),
    key,
    'is not a role name',
    'use lower-case letters and hyphens',
  )
  for (const resource of [...(role.reads ?? []), ...(role.changes ?? [])]) {
    const open = Object.hasOwn(resources, resource) && !resource.startsWith(STAFF_PREFIX)
    check.that(
      open,
      key,
      `names the resource ${JSON.stringify(resource)}`,
      'name a declared resource that is not about staff',
    )
  }
  for (const kind of role.kinds ?? []) {
    check.that(KINDS.includes(kind), `${key}.kinds`, 'names an unknown kind', `use ${KINDS.join(', ')}`)
  }
  for (const other of [...(role.approves ?? []), ...(role.appoints ?? [])]) {
    check.that(
      Object.hasOwn(staff.roles, other),
      key,
      `names the unknown role ${JSON.stringify(other)}`,
      'declare it',
    )
  }
  for (const query of role.counts ?? []) {
    check.that(
      Object.hasOwn(staff.queries ?? {}, query),
      `${key}.counts`,
      'names an unknown query',
      'declare it',
    )
  }
}

function checkQueries(
  check: DefinitionCheck,
  { resources }: SuretyConfig,
  { queries = {} }: StaffConfig,
): void {
  for (const [name, { resource, groupBy, purpose }] of Object.entries(queries)) {
    const key = `staff.queries.${name}`
    const target = Object.hasOwn(resources, resource) ? resources[resource]! : null
    check.words(purpose, `${key}.purpose`, 'say what the count is for')
    check.that(
      target?.subjects.length === 1,
      `${key}.resource`,
      'is not about one person each',
      'name such a resource',
    )
    for (const field of groupBy) {
      const clear = target?.fields[field]
      const fits = clear !== undefined && clear.clear !== null && clear.kind !== 'id'
      check.that(
        fits,
        `${key}.groupBy`,
        `names ${JSON.stringify(field)}, which is no clear field`,
        'group by clear fields',
      )
    }
  }
}

function checkRegister(check: DefinitionCheck, { privileged }: StaffConfig): void {
  if (!privileged) return
  const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
  check.that(isDay(privileged.reviewed), 'staff.privileged.reviewed', 'is no day', "write it as '2026-11-01'")
  for (const { right, holder, until } of privileged.holdings) {
    check.that(
      RIGHTS.includes(right),
      'staff.privileged',
      'names an unknown right',
      `use ${RIGHTS.join(', ')}`,
    )
    check.words(holder, 'staff.privileged.holder', 'name the position of the holder')
    check.that(
      !holder.includes('@'),
      'staff.privileged.holder',
      'is an address',
      'name the position, not the person',
    )
    check.that(isDay(until), 'staff.privileged.until', 'is no day', "write it as '2027-06-30'")
  }
}
