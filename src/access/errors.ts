import { defineErrors } from '../kernel/index.ts'

/** A principal or a role table that cannot be meant as given. */
export const AccessError = defineErrors('AccessError', {
  ERR_ACCESS_PRINCIPAL: 'pass a principal whose id and tenant are lower-case UUIDs, as the session made it',
  ERR_ACCESS_SYSTEM:
    'make system principals with systemPrincipal(task, tables); they cannot be copied or parsed',
  ERR_ACCESS_RANGE:
    'write addresses or ranges such as 198.51.100.0/24 or 2001:db8::/32, with zeros behind the length',
  ERR_ACCESS_GRANT:
    'correct the named member of the grant: see the declared roles and resources, and at most 8 hours',
  ERR_ACCESS_GRANT_TIME: 'ask for a new grant: one that has ended is never opened again',
  ERR_ACCESS_GRANT_WIDER: 'ask for less, or declare in staff.roles that this role may ask for it',
  ERR_ACCESS_STAFF: 'sign in as an active staff member',
  ERR_ACCESS_SELF_APPROVAL: 'let another staff member decide',
  ERR_ACCESS_APPOINTEE:
    'let somebody decide who goes back to another founder than the requester; `surety staff recover` names a second founder',
  ERR_ACCESS_APPROVER: 'let somebody decide whose role says so in staff.roles',
  ERR_ACCESS_PASSKEY: 'answer with a registered passkey, at the declared origin, with user verification',
})
