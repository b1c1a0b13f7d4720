import { field, resource, type TablesOf } from '../declare/index.ts'

const BASE = { basis: 'legitimate-interests', undeclared: 'refuse' } as const
const id = (what: string, max = 36) => field.text(what, { max })

/** What staff are told of an access, and the person concerned. */
const ACCESS = {
  grantId: id('the grant'),
  role: field.text('role of the staff member', { max: 40 }),
  kind: field.text('kind of the grant', { max: 20 }),
  purpose: field.text('why', { max: 500 }),
  resource: field.text('what was looked at', { max: 40 }),
  action: field.text('read or changed', { max: 10 }),
  rows: field.integer('how many rows', { min: 0 }),
  shownFrom: field.timestamp('from when it is shown to whom it concerns'),
  delayReason: field.text('why it is shown later', { max: 500, optional: true }),
} as const

/**
 * What is stored about staff and their access. Everything that decides anything is sealed: a row edited,
 * copied or added in SQL does not open. An app's configuration spreads them into its resources.
 */
export const staffResources = {
  staff_members: resource({
    ...BASE,
    name: 'staff_members',
    subject: 'personId',
    purpose: 'to know who may ask for access to customers’ data, and who may approve it',
    retention: 'account',
    fields: {
      personId: field.id('the staff member'),
      role: field.text('role among staff', { max: 40 }),
      appointedBy: field.text('who appointed them', { max: 36, optional: true }),
      active: field.boolean('false once dismissed'),
      code: field.text('SHA-256 of the enrolment code, while it waits', { max: 64, optional: true }),
      codeUntil: field.timestamp('until when the code serves', { optional: true }),
    },
  }),
  staff_credentials: resource({
    ...BASE,
    name: 'staff_credentials',
    subject: 'personId',
    purpose: 'to verify what a staff member signs with a passkey',
    retention: 'account',
    fields: {
      personId: field.id('the staff member'),
      credential: field.text('id of the passkey', { max: 1400 }),
      algorithm: field.integer('COSE algorithm'),
      publicKey: field.text('public key', { max: 4096 }),
    },
  }),
  staff_grants: resource({
    ...BASE,
    name: 'staff_grants',
    subject: 'personId',
    purpose: 'to hold staff to what was approved, and to show it afterwards',
    retention: '1y',
    fields: {
      personId: field.id('the staff member who asked'),
      body: field.json('the grant', { max: 65_536 }),
      state: field.choice('where it stands', ['waiting', 'open', 'refused', 'ended']),
      decisions: field.json('who decided what, with signatures', { max: 262_144 }),
    },
  }),
  staff_accesses: resource({
    ...BASE,
    name: 'staff_accesses',
    subject: 'personId',
    tenant: 'tenantId',
    purpose: 'to show people each access of staff to their data',
    retention: '1y',
    fields: { personId: field.id('whose data'), tenantId: field.id(), ...ACCESS },
  }),
  staff_tenant_accesses: resource({
    ...BASE,
    name: 'staff_tenant_accesses',
    tenant: 'tenantId',
    seal: 'tenant',
    purpose: 'to show customers each access of staff to rows about nobody in particular',
    retention: '1y',
    fields: { tenantId: field.id(), ...ACCESS },
  }),
  staff_tenant_settings: resource({
    ...BASE,
    name: 'staff_tenant_settings',
    tenant: 'tenantId',
    seal: 'tenant',
    purpose: 'to ask a customer first where they wish it',
    retention: 'account',
    fields: {
      tenantId: field.id(),
      asksFirst: field.boolean('true: staff wait for consent'),
    },
  }),
  staff_counts: resource({
    ...BASE,
    name: 'staff_counts',
    subject: 'personId',
    purpose: 'to keep staff’s counts within their budget',
    retention: '30d',
    fields: { personId: field.id('the staff member'), query: field.text('name of the query', { max: 100 }) },
  }),
} as const

export type StaffTables = TablesOf<typeof staffResources>
export type StaffTable = keyof typeof staffResources
