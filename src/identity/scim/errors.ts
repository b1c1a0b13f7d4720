import { defineErrors } from '../../kernel/index.ts'

/** What provisioning refuses. Never names an address or a token. */
export const ScimError = defineErrors('ScimError', {
  ERR_SCIM_TOKEN: 'send the bearer token whose SHA-256 stands under signIn.scim',
  ERR_SCIM_VALUE: 'send a resource of the core schemas, with the values that RFC 7643 describes',
  ERR_SCIM_PATH: 'patch active, displayName or name of users, displayName or members of groups',
  ERR_SCIM_FILTER: 'filter users by userName eq "address", groups by displayName eq "name"',
  ERR_SCIM_IMMUTABLE: 'leave userName as it is: an address belongs to one account; make another account',
  ERR_SCIM_TAKEN: 'use the account or group that has this name; invite whoever has an account elsewhere',
  ERR_SCIM_UNKNOWN: 'look the id up by userName or displayName',
  ERR_SCIM_TOO_MANY: 'send fewer members at once, or make fewer groups',
  ERR_SCIM_GROUPS: 'give the directory a tenant under signIn.scim.tenants: groups mean roles in a tenant',
  ERR_SCIM_CONFIG: 'spread scimResources and tenantResources into resources, for directories of tenants',
})
