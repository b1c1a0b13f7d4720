import type { Kysely } from 'kysely'
import type { Principal } from '../access/index.ts'
import type { Action, Resource, SuretyConfig } from '../declare/index.ts'
import { z } from 'zod'
import { hasCode } from '../kernel/index.ts'
import { definePromise, type Measurement } from './definition.ts'
import { measureRolesOverHttp, type HttpTrials } from './access-rbac-http.ts'
import { tryVisitorsOverHttp, type VisitorTrials } from './access-visitor-http.ts'
import type { AnyTables, ProbeContext } from './probe-context.ts'
import { createMarker } from './canaries.ts'
import { declaredColumns, describeTrial, isDeclared, possibleRows, type Whose } from './role-matrix.ts'
import { sampleId, sampleRow, type SampleOwner } from './sample-row.ts'

/** Roles can do what the matrix says, and nothing else. */
export const accessRbac = definePromise({
  id: 'access.rbac',
  evidence: 'measured',
  checkedBy: 'self',
  version: 3,
  cadence: '6h',
  takes: '6s',
  parameters: z.strictObject({}),

  check: ({ roles }) =>
    Object.keys(roles).length > 0
      ? []
      : [{ key: 'roles', problem: 'is empty', mend: "declare roles: { member: ['things:read:own'] }" }],

  cannotProve: ({ canary }) => [
    'Routes of the app that its canary functions do not know.',
    ...(canary && !canary.visit
      ? ['What visitors may who are not signed in: no canary function asks as one of them.']
      : []),
    ...(canary
      ? []
      : [
          'What the app itself allows over HTTP: no canary functions are configured, so the library’s own interface is measured.',
        ]),
  ],

  async probe(context) {
    const trials = await tryMatrix(context)
    const wrong = trials.filter(({ allowed, declared }) => allowed !== declared)
    const http = await measureRolesOverHttp(context)
    const visitors = await tryVisitorsOverHttp(context)
    const values = {
      trials: trials.length,
      roles: Object.keys(context.config.roles).length,
      allowed: trials.filter(({ allowed }) => allowed).length,
      refused: trials.filter(({ allowed }) => !allowed).length,
      wrong: wrong.length,
      httpTrials: http.trials,
      httpWrong: http.wrong.length,
      httpUntried: http.untried,
      ...(http.trials > 0 && { httpTrialsByRole: http.byRole }),
      ...(visitors.trials > 0 && { httpVisitors: visitors.visitors.join(', ') }),
      httpVisitorTrials: visitors.trials,
      httpVisitorsUntried: visitors.untried,
    }
    return judge(values, [...wrong.map(wordsOf), ...http.wrong, ...visitors.wrong], { http, visitors })
  },
})

function judge(
  values: Measurement['values'] & { trials: number },
  wrong: readonly string[],
  { http, visitors }: { readonly http: HttpTrials; readonly visitors: VisitorTrials },
): Measurement {
  if (wrong.length > 0) {
    return {
      outcome: 'broken',
      summary: `${wrong.length} trials differ from the declared roles; the first: ${wrong[0]}.`,
      values,
    }
  }
  const summary = `${values.trials} trials of every role on every resource went as declared${inWords(http)}.${aboutVisitors(visitors)}`
  return { outcome: 'kept', summary, values }
}

function inWords({ trials, byRole, untried, absent }: HttpTrials): string {
  if (trials + untried === 0) return ''
  const gaps = [
    ...(untried > 0 ? [`${untried} more could not be made`] : []),
    ...absent.map((role) => `the app made nobody with the role ${role}`),
  ]
  const made = `, as did ${trials} by ordinary accounts over HTTP (${byRole})`
  return gaps.length === 0 ? made : `${made}; ${gaps.join('; ')}`
}

function aboutVisitors({ trials, untried, visitors }: VisitorTrials): string {
  if (trials + untried === 0) return ''
  const gap = untried > 0 ? ` ${untried} more were not answered.` : ''
  return ` ${trials} requests of visitors opened nothing (${visitors.join(', ')}).${gap}`
}

interface Trial {
  readonly role: string
  readonly resource: string
  readonly action: Tried
  /** Whose row was tried: the person's own, a colleague's, another tenant's. */
  readonly row: Whose
  readonly allowed: boolean
  readonly declared: boolean
}

/** `column` reads a field that the permission to read leaves out. */
type Tried = Action | 'column'
const ACTIONS: readonly Action[] = ['read', 'write', 'delete']

function wordsOf({ role, resource, action, row, allowed }: Trial): string {
  const what = action === 'column' ? 'read a field outside its columns in' : action
  return describeTrial(role, { allowed, what, whose: row, resource })
}

/** The role of visitors: tried also where none is declared, for then they may nothing. */
const ANONYMOUS = 'anonymous'

function askerOf(role: string, { subject, tenant }: SampleOwner): Principal {
  return role === ANONYMOUS
    ? { kind: 'anonymous', id: '', tenant: null, roles: [] }
    : { kind: 'user', id: subject, tenant, roles: [role] }
}

/** One invented person each: the asker, a colleague in the same tenant, a stranger in another one. */
function createCast(config: SuretyConfig): Record<Whose, SampleOwner> {
  const invented = (name: string): string => sampleId(config.origin, 'access.rbac', name)
  const [home, away] = [invented('tenant home'), invented('tenant away')]
  return {
    own: { tenant: home, subject: invented('asker') },
    tenant: { tenant: home, subject: invented('colleague') },
    any: { tenant: away, subject: invented('stranger') },
  }
}

async function tryMatrix(context: ProbeContext): Promise<Trial[]> {
  const trials: Trial[] = []
  const cast = createCast(context.config)
  const roles = [...new Set([...Object.keys(context.config.roles), ANONYMOUS])]
  for (const resource of Object.values(context.config.resources)) {
    await withRows(context, resource, cast, async (idOf) => {
      for (const role of roles) {
        trials.push(...(await tryRole(context, resource, role, { cast, idOf })))
        context.progress(trials.length, null, 'trials of roles')
      }
    })
  }
  return trials
}

async function tryRole(
  context: ProbeContext,
  resource: Resource,
  role: string,
  { cast, idOf }: { readonly cast: Record<Whose, SampleOwner>; readonly idOf: IdOf },
): Promise<Trial[]> {
  const trials: Trial[] = []
  const asker = askerOf(role, cast.own)
  const rows = role === ANONYMOUS ? (['any'] as const) : possibleRows(resource)
  for (const row of rows) {
    for (const action of ACTIONS) {
      // A whole row cannot be written where some fields are left out.
      if (action === 'write' && declaredColumns(context.config, role, resource, action, row)) continue
      const laid = { context, resource, owner: cast[row], id: await idOf(row) }
      const allowed = await isAllowed({ ...laid, asker, action })
      const declared = isDeclared(context.config, role, resource, action, row)
      trials.push({ role, resource: resource.name, action, row, allowed, declared })
    }
    const column = columnLeftOut(context.config, role, resource, row)
    if (column === null) continue
    const laid = { context, resource, owner: cast[row], id: await idOf(row) }
    const allowed = await isAllowed({ ...laid, asker, action: 'read', column })
    trials.push({ role, resource: resource.name, action: 'column', row, allowed, declared: false })
  }
  return trials
}

/** A field that the role may not read in such a row although it may read the row; null where there is none. */
function columnLeftOut(config: SuretyConfig, role: string, resource: Resource, whose: Whose): string | null {
  const columns = declaredColumns(config, role, resource, 'read', whose)
  return columns ? (Object.keys(resource.fields).find((name) => !columns.has(name)) ?? null) : null
}

/** The row of the resource that is laid there for somebody. */
type IdOf = (whose: Whose) => Promise<string>

/** Lays a row for each owner that a trial asks for, and takes them away whatever happens: no trial changes them for good. */
async function withRows(
  context: ProbeContext,
  resource: Resource,
  cast: Record<Whose, SampleOwner>,
  tryAll: (idOf: IdOf) => Promise<void>,
): Promise<void> {
  const db = context.as(context.system('probe.access.rbac', [resource.name]))
  const ids = new Map<Whose, string>()
  try {
    await tryAll(async (whose) => {
      const known = ids.get(whose)
      if (known !== undefined) return known
      const row = sampleRow(resource, cast[whose], createMarker(), context.clock)
      const { id } = await db.insertInto(resource.name).values(row).returning('id').executeTakeFirstOrThrow()
      ids.set(whose, String(id))
      return String(id)
    })
  } finally {
    if (ids.size > 0)
      await db
        .deleteFrom(resource.name)
        .where('id', 'in', [...ids.values()])
        .execute()
  }
}

interface Attempt {
  readonly context: ProbeContext
  readonly resource: Resource
  readonly asker: Principal
  readonly action: Action
  readonly owner: SampleOwner
  readonly id: string
  /** What is read. Default: the id, which comes with every permission. */
  readonly column?: string
}

async function isAllowed(attempt: Attempt): Promise<boolean> {
  try {
    return await ATTEMPTS[attempt.action](attempt)
  } catch (error) {
    if (hasCode(error, 'ERR_STORE_FORBIDDEN')) return false
    throw error
  }
}

const ATTEMPTS: Readonly<Record<Action, (attempt: Attempt) => Promise<boolean>>> = {
  async read({ context, resource, asker, id, column = 'id' }) {
    const db = context.as(asker)
    const rows = await db.selectFrom(resource.name).select(column).where('id', '=', id).execute()
    return rows.length > 0
  },
  async write({ context, resource, asker, owner }) {
    const row = sampleRow(resource, owner, createMarker(), context.clock)
    return undone(context.as(asker), async (db) => {
      await db.insertInto(resource.name).values(row).execute()
      return true
    })
  },
  async delete({ context, resource, asker, id }) {
    return undone(context.as(asker), async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom(resource.name)
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return numDeletedRows === 1n
    })
  },
}

class Undo extends Error {
  readonly result: boolean
  constructor(result: boolean) {
    super('undone on purpose')
    this.result = result
  }
}

/** Runs a trial in a transaction that never commits. */
async function undone(
  db: Kysely<AnyTables>,
  trial: (db: Kysely<AnyTables>) => Promise<boolean>,
): Promise<boolean> {
  try {
    return await db.transaction().execute(async (transaction) => {
      throw new Undo(await trial(transaction))
    })
  } catch (error) {
    if (error instanceof Undo) return error.result
    throw error
  }
}
