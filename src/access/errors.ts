import { defineErrors } from '../kernel/index.ts'

/** A principal or a role table that cannot be meant as given. */
export const AccessError = defineErrors('AccessError', {
  ERR_ACCESS_PRINCIPAL: 'pass a principal whose id and tenant are lower-case UUIDs, as the session made it',
  ERR_ACCESS_SYSTEM:
    'make system principals with systemPrincipal(task, tables); they cannot be copied or parsed',
  ERR_ACCESS_RANGE:
    'write addresses or ranges such as 198.51.100.0/24 or 2001:db8::/32, with zeros behind the length',
})
