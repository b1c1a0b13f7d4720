import { defineErrors } from '../kernel/index.ts'

/** What staff may not do, or not any more. Names grants and roles, never a person's data. */
export const StaffError = defineErrors('StaffError', {
  ERR_STAFF_GRANT: 'ask for a grant, have it approved, and name it by its id',
  ERR_STAFF_STATE: 'look at the grant: it was decided, ended or reviewed before; ask for a new one',
  ERR_STAFF_APPROVAL: 'have the grant approved again: nothing that was signed fits it as it is now',
  ERR_STAFF_CONSENT: 'wait for the consent that the customer asked to give first',
  ERR_STAFF_FOUNDED:
    'let a staff member do it: founders are named once by `surety staff found`, and `surety staff recover` helps where nobody else can; a new database takes a new data folder',
  ERR_STAFF_CODE: 'let the member be appointed again: an enrolment code serves once, for 24 hours',
  ERR_STAFF_ROLE: 'let somebody do it whose role says so in staff.roles',
  ERR_STAFF_QUERY: 'name a query of staff.queries that your role counts',
  ERR_STAFF_BUDGET: 'wait until tomorrow: the declared number of queries a day is spent',
  ERR_STAFF_LAST: 'appoint somebody else first whose role appoints staff, and let them register a passkey',
  ERR_STAFF_TOO_MANY: 'let what waits be decided, or end it, before you ask for more',
  ERR_STAFF_CONSEQUENCE: 'write down what followed, in 10 to 500 characters',
  ERR_STAFF_MARKS:
    'give every server the one data folder of the system, and look at its disk: staff see nothing while the marks in its folder staff/ cannot be read',
  ERR_STAFF_CONFIG: 'spread staffResources into the resources of surety.config, and declare staff.roles',
})
