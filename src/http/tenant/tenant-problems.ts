import { SuretyError } from '../../kernel/index.ts'
import type { PublicProblem, PublicProblems } from '../problem.ts'

/** What people may know of why a change to their organisation was refused. */
export const TENANT_PROBLEMS: PublicProblems = {
  ERR_TENANTS_ADDRESS: {
    status: 403,
    title: 'Not from this network',
    detail: 'Your organisation can be reached only from the networks that its administrators allow.',
  },
  ERR_TENANTS_FORBIDDEN: {
    status: 403,
    title: 'This takes an administrator',
    detail: 'Ask an administrator of your organisation, or sign in as one.',
  },
  ERR_TENANTS_BEYOND: {
    status: 403,
    title: 'You cannot give what you do not hold',
    detail: 'Leave it out, or ask somebody who holds it. Nothing was changed.',
  },
  ERR_TENANTS_LAST_ADMINISTRATOR: {
    status: 409,
    title: 'Somebody must be an administrator',
    detail: 'Make somebody else an administrator first. Nothing was changed.',
  },
  ERR_TENANTS_LOCK_OUT: {
    status: 409,
    title: 'You would lock yourself out',
    detail:
      'The list leaves out the address that you are at. Add it, or lift the limit. Nothing was changed.',
  },
  ERR_TENANTS_CHANGED: {
    status: 409,
    title: 'Somebody else changed it meanwhile',
    detail: 'Load the page again and look at it as it is now. Nothing was changed.',
  },
  ERR_TENANTS_EXISTS: { status: 409, title: 'That is there already' },
  ERR_TENANTS_ROLE_IN_USE: {
    status: 409,
    title: 'Somebody has this role',
    detail: 'Take it from everybody who has it first. Nothing was changed.',
  },
  ERR_TENANTS_REVIEW_OPEN: { status: 409, title: 'A review is open already' },
  ERR_TENANTS_DECIDED: { status: 409, title: 'This is decided already' },
  ERR_TENANTS_TOO_MANY: { status: 409, title: 'There are too many already', detail: 'Remove some first.' },
  ERR_TENANTS_REVIEWER: {
    status: 403,
    title: 'Another reviewer decides this',
    detail: 'Nobody reviews themselves, and only those who were asked decide.',
  },
  ERR_TENANTS_INVITATION: {
    status: 409,
    title: 'This invitation has ended',
    detail:
      'It was accepted, was taken back, or its inviter may no longer give what it offers. Ask for another one.',
  },
  ERR_TENANTS_INVITATION_ADDRESS: {
    status: 403,
    title: 'The invitation went to another address',
    detail: 'Sign out, and sign in with the account that has the address to which the letter came.',
  },
  ERR_TENANTS_INVITATION_LIMIT: {
    status: 429,
    title: 'This address has had several letters from here',
    detail: 'Wait a while before the next one. Nothing was changed.',
  },
  ERR_IDENTITY_EMAIL: { status: 400, title: 'This address cannot be taken', detail: 'Nothing was changed.' },
  ERR_IDENTITY_GUARD: { status: 503, title: 'Not available at the moment', detail: 'Nothing was changed.' },
  ERR_TENANTS_MISSING: { status: 404, title: 'That is not there any more' },
  ERR_TENANTS_MEMBER: { status: 404, title: 'This is no member of your organisation' },
  ERR_TENANTS_ROLE: { status: 400, title: 'There is no such role' },
  ERR_TENANTS_NAME: {
    status: 400,
    title: 'This name does not fit',
    detail: 'Give one of 1 to 60 characters. That of a role must not look like another role’s.',
  },
  ERR_TENANTS_PERMISSION: { status: 400, title: 'No role can be made of that' },
  ERR_TENANTS_KEY_TERM: { status: 400, title: 'A key lives for a year at most' },
  ERR_ACCESS_RANGE: {
    status: 400,
    title: 'This is no network',
    detail: 'Write one address or range on each line, such as 198.51.100.0/24. Nothing was changed.',
  },
}

/** What a person is told of an error; undefined for one that is none of theirs. */
export function tenantProblemOf(error: unknown): (PublicProblem & { readonly code: string }) | undefined {
  const problem = error instanceof SuretyError ? TENANT_PROBLEMS[error.code] : undefined
  return problem && { ...problem, code: (error as SuretyError).code }
}
