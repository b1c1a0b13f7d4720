import { defineErrors } from '../../kernel/index.ts'

/** What provisioning refuses. Never names an address or a token. */
export const ScimError = defineErrors('ScimError', {
  ERR_SCIM_TOKEN: 'send the bearer token whose SHA-256 stands under signIn.scim',
  ERR_SCIM_VALUE: 'send a user of the core schema with userName, and active as a boolean',
  ERR_SCIM_PATH: 'patch active, displayName or name.formatted, by add or replace',
  ERR_SCIM_FILTER: 'filter by userName eq "address"',
  ERR_SCIM_IMMUTABLE: 'leave userName as it is: an address belongs to one account; make another account',
  ERR_SCIM_TAKEN: 'use the account that has this userName',
  ERR_SCIM_UNKNOWN: 'look the id up by userName',
})
