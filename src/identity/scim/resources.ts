import { field, resource, type TablesOf } from '../../declare/index.ts'

const BASE = { basis: 'contract', retention: 'account', undeclared: 'refuse' } as const

/** What a tenant's directory keeps here, for an app's data map: `resources: { ...scimResources, … }`. */
export const scimResources = {
  scim_groups: resource({
    ...BASE,
    name: 'scim_groups',
    tenant: 'tenantId',
    seal: 'tenant',
    purpose: 'know the groups of an organisation’s directory, which give roles',
    fields: {
      tenantId: field.id('the organisation'),
      name: field.text('name of the group', { max: 255 }),
    },
  }),
  scim_group_members: resource({
    ...BASE,
    name: 'scim_group_members',
    subject: 'personId',
    tenant: 'tenantId',
    purpose: 'know who is in a group of the organisation’s directory',
    unique: [['groupId', 'personId']],
    fields: {
      personId: field.id('random identifier of the person, never an e-mail address'),
      tenantId: field.id('the organisation'),
      groupId: field.id('the group'),
    },
  }),
} as const

export type ScimTables = TablesOf<typeof scimResources>
