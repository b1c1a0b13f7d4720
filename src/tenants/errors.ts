import { defineErrors } from '../kernel/index.ts'

/** What a tenant's administrators, keys and reviews may not do. Names roles and permissions, never a person. */
export const TenantsError = defineErrors('TenantsError', {
  ERR_TENANTS_CONFIG: 'change the named line of the configuration’s roles',
  ERR_TENANTS_FORBIDDEN: 'ask an administrator of the tenant to do it, signed in as a person',
  ERR_TENANTS_ADDRESS: 'come from an address that the tenant’s administrators allow',
  ERR_TENANTS_LOCK_OUT: 'include the address that you are at, or first go to one of the allowed ones',
  ERR_TENANTS_LAST_ADMINISTRATOR: 'make somebody else an administrator first',
  ERR_TENANTS_BEYOND: 'leave out what you do not hold yourself, or ask somebody who holds it',
  ERR_TENANTS_PERMISSION: 'use permissions on declared resources, of the scopes own and tenant',
  ERR_TENANTS_ROLE: 'use a role of the configuration, or one that the tenant has made, by its id',
  ERR_TENANTS_NAME:
    'give a name of 1 to 60 characters in one alphabet; a role’s must not look like another role’s',
  ERR_TENANTS_ROLE_IN_USE: 'take the role from everybody who has it first',
  ERR_TENANTS_CHANGED: 'load it again and repeat the change: somebody else has changed it meanwhile',
  ERR_TENANTS_MEMBER: 'name somebody who is a member of the tenant',
  ERR_TENANTS_EXISTS: 'use the tenant or the membership that is there',
  ERR_TENANTS_MISSING: 'look whether it has been removed meanwhile',
  ERR_TENANTS_KEY_TERM: 'choose an end that is ahead, and no more than a year',
  ERR_TENANTS_TOO_MANY: 'remove some first',
  ERR_TENANTS_REVIEW_OPEN: 'finish the review that is open first',
  ERR_TENANTS_REVIEWER: 'let another reviewer decide, or appoint one: nobody reviews themselves',
  ERR_TENANTS_INVITATION: 'ask an administrator of the organisation for another invitation',
  ERR_TENANTS_INVITATION_ADDRESS:
    'sign in with the account that has the address to which the invitation was sent',
  ERR_TENANTS_INVITATION_LIMIT: 'wait a while: this address has had several letters from here lately',
  ERR_TENANTS_DECIDED: 'start another review: what is decided stays decided',
})
