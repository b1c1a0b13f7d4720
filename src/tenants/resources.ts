import { field, resource } from '../declare/index.ts'

const BASE = { basis: 'contract', retention: 'account', undeclared: 'refuse' } as const

/** One row for each tenant: it must be there, and whoever changes something of the tenant locks it. */
const settings = resource({
  ...BASE,
  name: 'tenant_settings',
  tenant: 'tenantId',
  seal: 'tenant',
  purpose: 'limit from where an organisation can be reached',
  unique: [['tenantId']],
  fields: {
    tenantId: field.id('the organisation'),
    allowList: field.list('network ranges from which the organisation can be reached; none: from anywhere', {
      max: 100,
      itemMax: 50,
    }),
  },
})

const members = resource({
  ...BASE,
  name: 'tenant_members',
  subject: 'personId',
  tenant: 'tenantId',
  purpose: 'know who belongs to an organisation and what they may do there',
  unique: [['personId']],
  fields: {
    personId: field.id('the person'),
    tenantId: field.id('the organisation'),
    roles: field.list('roles of the person in the organisation', { max: 50, itemMax: 60 }),
    lastUsedAt: field.timestamp('when the person last used the membership, to the day', { optional: true }),
  },
})

const roles = resource({
  ...BASE,
  name: 'tenant_roles',
  tenant: 'tenantId',
  seal: 'tenant',
  purpose: 'keep the roles that an organisation has made for itself',
  fields: {
    tenantId: field.id('the organisation'),
    name: field.text('name of the role', { max: 60 }),
    permissions: field.list('what the role allows', { max: 500, itemMax: 4_096 }),
    revision: field.integer('how often it was changed', { min: 1 }),
  },
})

const keys = resource({
  ...BASE,
  name: 'tenant_keys',
  subject: 'personId',
  tenant: 'tenantId',
  purpose: 'let programs act for the person, within limits; we keep what recognises a key, never the key',
  fields: {
    personId: field.id('whose key it is'),
    tenantId: field.id('the organisation in which it works'),
    name: field.text('what the person calls it', { max: 60 }),
    scopes: field.list('what the key may do of what the person may', { max: 500, itemMax: 4_096 }),
    secretHash: field.text('SHA-256 of the secret part', { max: 64 }),
    expiresAt: field.timestamp('when it stops working'),
    lastUsedAt: field.timestamp('when it was last used, to the hour', { optional: true }),
  },
})

const reviews = resource({
  ...BASE,
  name: 'tenant_reviews',
  tenant: 'tenantId',
  seal: 'tenant',
  purpose: 'show that an organisation’s permissions are reviewed',
  fields: {
    tenantId: field.id('the organisation'),
    reviewers: field.list('pseudonyms of those who decide; none: the administrators', {
      max: 50,
      itemMax: 36,
    }),
    dueAt: field.timestamp('when it is to be done'),
    closedAt: field.timestamp('when the last decision was made', { optional: true }),
    remindedAt: field.timestamp('when the reviewers were last reminded', { optional: true }),
  },
})

const items = resource({
  ...BASE,
  name: 'tenant_review_items',
  subject: 'personId',
  tenant: 'tenantId',
  purpose: 'show who decided to keep or to revoke which permission',
  fields: {
    personId: field.id('whose permission it is'),
    tenantId: field.id('the organisation'),
    reviewId: field.id('the review'),
    keyId: field.id('the key, where it is about one', { optional: true }),
    role: field.text('the role, where it is about one', { max: 60, optional: true }),
    unused: field.boolean('whether it was not used since the last review'),
    decision: field.choice('what was decided', ['keep', 'revoke'], { optional: true }),
    decidedBy: field.text('pseudonym of who decided', { max: 36, optional: true }),
    decidedAt: field.timestamp('when it was decided', { optional: true }),
  },
})

const invitations = resource({
  ...BASE,
  name: 'tenant_invitations',
  tenant: 'tenantId',
  seal: 'tenant',
  purpose: 'let an organisation’s administrators invite people by e-mail',
  retention: '8d',
  fields: {
    tenantId: field.id('the organisation'),
    email: field.text('e-mail address that the invitation goes to', { max: 254 }),
    roles: field.list('roles that it gives', { max: 50, itemMax: 60 }),
    invitedBy: field.text('pseudonym of the administrator who invites', { max: 36 }),
    secretHash: field.text('SHA-256 of the random part of its link', {
      max: 64,
      index: 'blind-installation',
    }),
    expiresAt: field.timestamp('when it ends', { clear: 'ended invitations are removed in SQL' }),
  },
})

/** What the room stores, for an app's data map: `resources: { ...tenantResources, … }`. */
export const tenantResources = {
  tenant_settings: settings,
  tenant_members: members,
  tenant_roles: roles,
  tenant_keys: keys,
  tenant_reviews: reviews,
  tenant_review_items: items,
  tenant_invitations: invitations,
} as const
