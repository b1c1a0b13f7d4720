import { isSealed, parsePermission } from '../declare/index.ts'
import type { Field, LawfulBasis, OnErase, Resource, SuretyConfig } from '../declare/index.ts'
import { describeDuration, parseDuration } from '../kernel/index.ts'
import {
  badge,
  card,
  dataTable,
  definitionList,
  emptyState,
  html,
  pageHeading,
  absoluteDate,
} from '../ui/index.ts'
import type { Child, Markup } from '../ui/index.ts'
import type { Site } from './evidence.ts'
import { framed } from './site-frame.ts'
import type { FrameOptions } from './site-frame.ts'
import { countOf } from './words.ts'

/** Something of a request besides its body that the system uses. */
export interface RequestInput {
  /** `User-Agent` header, network address. */
  readonly name: string
  readonly why: string
  /** What becomes of it: `not stored`, `stored sealed as editor`. */
  readonly kept: string
}

/** Undeclared members that arrived and were not stored. */
export interface DroppedCount {
  readonly resource: string
  readonly count: number
  /** Unix milliseconds since when it is counted. */
  readonly since: number
}

/** A table that the library keeps for itself. */
export interface OwnTable {
  readonly schema: string
  /** `*` for every table of the schema. */
  readonly name: string
  readonly holds: string
}

export interface DataViewOptions extends FrameOptions {
  readonly site: Site
  readonly config: Pick<SuretyConfig, 'resources' | 'roles'>
  readonly requestInputs: readonly RequestInput[]
  readonly dropped: readonly DroppedCount[]
  /** The library's own tables, listed beside the app's. */
  readonly ownTables: readonly OwnTable[]
}

/** `/security/data`: every field, why it is there, how long, how stored, and who sees it. */
export function dataView(options: DataViewOptions): Markup {
  const resources = Object.values(options.config.resources)
  return framed(options, {
    title: 'Data',
    description: `The full list of the data ${options.site.name} stores.`,
    current: '/security/data',
    content: [
      pageHeading({
        title: 'The data we store',
        lead: 'The whole list, generated from the declarations that the running system enforces on every write. Sealed means encrypted before it is written; clear means readable in the database, and the reason stands beside it.',
      }),
      resources.length === 0
        ? emptyState(
            'Nothing is declared',
            'This system declares no resource, so it stores no data through Surety.',
          )
        : resources.map((resource) => resourceCard(resource, options)),
      ownTablesCard(options),
      requestCard(options),
    ],
  })
}

const BASIS: Readonly<Record<LawfulBasis, string>> = {
  consent: 'Consent (GDPR Art. 6(1)(a))',
  contract: 'Contract (GDPR Art. 6(1)(b))',
  'legal-obligation': 'Legal obligation (GDPR Art. 6(1)(c))',
  'vital-interests': 'Vital interests (GDPR Art. 6(1)(d))',
  'public-task': 'Public task (GDPR Art. 6(1)(e))',
  'legitimate-interests': 'Legitimate interests (GDPR Art. 6(1)(f))',
}

interface FieldRow {
  readonly name: string
  readonly what: string
  readonly stored: Child
}

function resourceCard(resource: Resource, options: DataViewOptions): Markup {
  return card({
    title: resource.name,
    id: `resource-${resource.name}`,
    body: html`<div class="stack">${definitionList(
      [
        ['Purpose', resource.purpose],
        ['Lawful basis', BASIS[resource.basis]],
        ['Kept', retentionText(resource)],
        ...sharedBy(resource),
        ['Who can see it', readers(resource, options.config.roles)],
        ['Undeclared fields', undeclaredText(resource, options)],
      ],
      'side-by-side',
    )}${dataTable<FieldRow>({
      caption: `Fields of ${resource.name}`,
      hideCaption: true,
      columns: [
        {
          header: 'Field',
          cell: (row) => html`<code id="${lineId(resource.name, row.name)}">${row.name}</code>`,
        },
        { header: 'What it is', cell: (row) => row.what },
        { header: 'How stored', cell: (row) => row.stored },
      ],
      rows: fieldRows(resource),
    })}</div>`,
  })
}

function retentionText(resource: Resource): string {
  if (resource.retention === 'account') return 'as long as the account exists'
  return `${describeDuration(parseDuration(resource.retention))} from receipt`
}

const clearly = (reason: string): Child => html`${badge('neutral', 'Clear')} ${reason}`

function fieldRows(resource: Resource): FieldRow[] {
  const declared = Object.entries(resource.fields).map(([name, field]) => ({
    name,
    what: field.description,
    stored: storedText(resource, field),
  }))
  return [
    {
      name: 'id',
      what: 'number of the record, made at receipt',
      stored: clearly('tells when the record was received'),
    },
    { name: 'createdAt', what: 'when the record was received', stored: clearly('retention counts from it') },
    ...declared,
  ]
}

function storedText(resource: Resource, field: Field): Child {
  if (isSealed(resource, field)) {
    const index = field.index === null ? null : html`; a keyed hash beside it shows which values are equal`
    return html`${badge('good', 'Sealed')} encrypted under a key of ${keyOwner(resource, field)}${index}`
  }
  if (field.clear !== null) return clearly(field.about ? `${field.clear}; about ${field.about}` : field.clear)
  if (field.kind === 'id') return clearly('a random identifier that ties records together')
  return clearly('the resource is not about a person')
}

function keyOwner({ seal }: Resource, { about }: Field): Child {
  if (seal === 'tenant') return 'the organisation it belongs to'
  return about === null ? 'the person it is about' : html`the person it is about, <code>${about}</code>`
}

const ON_ERASE: Readonly<Record<OnErase, string>> = {
  delete: 'the record is deleted',
  blank: 'their fields are emptied',
  'keep-others': 'their fields are emptied, and the record goes with the last person in it',
}

/** What the erasure of each of several people does to a record they share. */
function sharedBy({ subjects }: Resource): [string, Child][] {
  if (subjects.length < 2) return []
  const lines = subjects.map(({ column, onErase }) => `${column}: ${ON_ERASE[onErase]}`)
  return [['When a person is erased', lines.join(' · ')]]
}

const SCOPE = {
  own: 'their own records',
  tenant: 'all records of their organisation',
  any: 'all records',
} as const

function readers(resource: Resource, roles: SuretyConfig['roles']): Child {
  const lines = Object.entries(roles).flatMap(([role, permissions]) =>
    permissions
      .map(parsePermission)
      .filter((permission) => permission.resource === resource.name && permission.actions.includes('read'))
      .map(({ scope, columns }) => `${role}: ${SCOPE[scope]}${columns ? ` (${columns.join(', ')})` : ''}`),
  )
  return lines.length === 0 ? 'no role' : lines.join(' · ')
}

function undeclaredText(resource: Resource, { dropped }: DataViewOptions): string {
  const rule = resource.undeclared === 'drop' ? 'dropped before anything is stored' : 'the request is refused'
  const counted = dropped.find((candidate) => candidate.resource === resource.name)
  if (!counted) return rule
  return `${rule}: ${countOf(counted.count, 'field')} since ${absoluteDate(counted.since)}`
}

/** Marks a line of the list, so that a probe can hold the list against the live schema. */
const lineId = (holder: string, name: string): string => `line-${holder}.${name}`

function ownTablesCard({ ownTables }: DataViewOptions): Child {
  if (ownTables.length === 0) return null
  return card({
    title: 'What the system keeps for itself',
    id: 'own-tables',
    body: dataTable<OwnTable>({
      caption: 'Tables that no resource declares',
      hideCaption: true,
      columns: [
        {
          header: 'Table',
          cell: ({ schema, name }) => html`<code id="${lineId(schema, name)}">${schema}.${name}</code>`,
        },
        { header: 'What it holds', cell: (table) => table.holds },
      ],
      rows: ownTables,
    }),
  })
}

function requestCard({ requestInputs }: DataViewOptions): Child {
  return card({
    title: 'What else a request carries',
    id: 'requests',
    body:
      requestInputs.length === 0
        ? html`<p>The configuration declares no header, address or other part of a request as used.</p>`
        : dataTable<RequestInput>({
            caption: 'Headers and other parts of a request that are used',
            hideCaption: true,
            columns: [
              { header: 'Part', cell: (row) => row.name },
              { header: 'What for', cell: (row) => row.why },
              { header: 'Kept', cell: (row) => row.kept },
            ],
            rows: requestInputs,
          }),
  })
}
