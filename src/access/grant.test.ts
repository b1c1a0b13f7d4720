import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { field, resource } from '../declare/index.ts'
import { toHex } from '../kernel/index.ts'
import {
  assertInTime,
  assertMayApprove,
  assertMayRequest,
  assertMayReview,
  decide,
  effectiveGrant,
  grantDigest,
  mayReplacePasskeys,
  operatorPrincipal,
  parseGrant,
  parseRoles,
  tenantOf,
  type Grant,
  type Principal,
  type Staff,
  type StaffMember,
} from './index.ts'

const [ADA, BOB, EVE, ZOE] = [1, 2, 3, 4].map((n) => `018f3c1e-0000-7000-8000-00000000000${n}`) as [
  string,
  string,
  string,
  string,
]
const TEAM = '018f3c1e-0000-7000-8000-00000000000a'
const PERSON = '018f3c1e-0000-7000-8000-00000000000b'
const START = Date.UTC(2026, 10, 1, 12)

const grant: Grant = {
  v: 1,
  kind: 'support',
  purpose: 'the person asked why a day is empty',
  ticket: 'CASE-7',
  requester: ADA,
  role: 'support',
  scope: { tenant: TEAM, subject: PERSON },
  resources: { heartbeats: null },
  actions: ['read'],
  from: START,
  until: START + 3_600_000,
  delay: null,
  nonce: '00112233445566778899aabbccddeeff',
}

const roles = {
  support: { reads: ['heartbeats', 'people'] },
  lead: {
    reads: ['heartbeats'],
    changes: ['heartbeats'],
    kinds: ['support', 'break-glass'],
    approves: ['support'],
  },
  reviewer: { approves: ['support', 'lead'], reviews: true },
} as const

function staffOf(...members: readonly StaffMember[]): Staff {
  return new Map(members.map((member) => [member.id, member]))
}
const member = (id: string, role: string, appointedBy: string | null = null): StaffMember => ({
  id,
  role,
  appointedBy,
  active: true,
})

const refuses = (code: string) => expect.objectContaining({ code })

describe('the digest of a grant', () => {
  test('is that of its canonical text under a label of its own', () => {
    expect(toHex(grantDigest(grant))).toBe('391790aa1c5c10b22224efbd9c453469bc77bdbc5b66a2dde1a864a742097aed')
  })

  test('does not depend on the order of members', () => {
    const turned = Object.fromEntries(Object.entries(grant).toReversed()) as unknown as Grant
    expect(grantDigest(turned)).toEqual(grantDigest(grant))
  })

  test('differs for whatever is wider, later, or for another', () => {
    const others: Partial<Grant>[] = [
      { scope: { tenant: TEAM, subject: null } },
      { resources: { heartbeats: null, people: null } },
      { actions: ['read', 'write'] },
      { until: grant.until + 1 },
      { requester: BOB },
      { kind: 'impersonation' },
      { delay: { until: START + 1, reason: 'an investigation' } },
      { nonce: grant.nonce.replace('00', '01') },
    ]
    const digests = [grant, ...others.map((change) => ({ ...grant, ...change }))].map((one) =>
      toHex(grantDigest(one)),
    )
    expect(new Set(digests).size).toBe(others.length + 1)
  })
})

describe('parseGrant', () => {
  test('takes what can be meant', () => {
    expect(parseGrant(grant)).toBe(grant)
    expect(parseGrant({ ...grant, until: START + 8 * 3_600_000 }).until).toBeGreaterThan(START)
  })

  const bad: [string, object][] = [
    ['a life of 8 hours and a millisecond', { until: START + 8 * 3_600_000 + 1 }],
    ['an end before its beginning', { until: START }],
    ['no end', { until: Infinity }],
    ['nobody in reach', { scope: { tenant: null, subject: null } }],
    ['a tenant that is no id', { scope: { tenant: 'any', subject: null } }],
    ['a scope with more in it', { scope: { tenant: TEAM, subject: null, all: true } }],
    ['no resource', { resources: {} }],
    ['a resource without columns', { resources: { heartbeats: [] } }],
    ['writing without reading', { actions: ['write'] }],
    ['writing some columns', { actions: ['read', 'write'], resources: { heartbeats: ['entity'] } }],
    ['an unknown action', { actions: ['read', 'export'] }],
    ['no purpose', { purpose: '  ' }],
    ['no ticket', { ticket: '' }],
    [
      'the impersonation of a whole tenant',
      { kind: 'impersonation', scope: { tenant: TEAM, subject: null } },
    ],
    ['a delay of 91 days', { delay: { until: START + 91 * 86_400_000, reason: 'an investigation' } }],
    ['a delay without a reason', { delay: { until: START + 1, reason: '' } }],
    ['an unknown member', { extra: true }],
    ['another version', { v: 2 }],
    ['a nonce that is none', { nonce: 'x' }],
  ]
  test.each(bad)('refuses %s', (_what, change) => {
    expect(() => parseGrant({ ...grant, ...change })).toThrow(refuses('ERR_ACCESS_GRANT'))
  })

  test('refuses anything else with the same code', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => parseGrant(value)).toThrow(refuses('ERR_ACCESS_GRANT'))
      }),
    )
  })
})

describe('a request', () => {
  test('is held against what the role asks for', () => {
    expect(() => assertMayRequest(grant, member(ADA, 'support'), roles)).not.toThrow()
    const refused: [Grant, StaffMember | undefined, string][] = [
      [{ ...grant, resources: { teams: null } }, member(ADA, 'support'), 'ERR_ACCESS_GRANT_WIDER'],
      [{ ...grant, actions: ['read', 'write'] }, member(ADA, 'support'), 'ERR_ACCESS_GRANT_WIDER'],
      [{ ...grant, kind: 'break-glass' }, member(ADA, 'support'), 'ERR_ACCESS_GRANT_WIDER'],
      [{ ...grant, role: 'lead' }, member(ADA, 'support'), 'ERR_ACCESS_GRANT_WIDER'],
      [{ ...grant, role: 'constructor' }, member(ADA, 'constructor'), 'ERR_ACCESS_GRANT_WIDER'],
      [grant, { ...member(ADA, 'support'), active: false }, 'ERR_ACCESS_STAFF'],
      [grant, undefined, 'ERR_ACCESS_STAFF'],
      [grant, member(BOB, 'support'), 'ERR_ACCESS_STAFF'],
    ]
    for (const [asked, by, code] of refused)
      expect(() => assertMayRequest(asked, by, roles)).toThrow(refuses(code))
  })
})

describe('an approval', () => {
  test('is given by a second person whose role says so', () => {
    expect(() =>
      assertMayApprove(grant, BOB, staffOf(member(ADA, 'support'), member(BOB, 'lead')), roles),
    ).not.toThrow()
  })

  const refused: [string, string, Staff, string][] = [
    ['the requester', ADA, staffOf(member(ADA, 'lead')), 'ERR_ACCESS_SELF_APPROVAL'],
    [
      'whom the requester appointed',
      BOB,
      staffOf(member(ADA, 'support'), member(BOB, 'lead', ADA)),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'whom an appointee of the requester appointed',
      BOB,
      staffOf(member(ADA, 'support'), member(EVE, 'lead', ADA), member(BOB, 'lead', EVE)),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'an appointee of the requester three steps down',
      BOB,
      staffOf(
        member(ADA, 'support'),
        member(EVE, 'lead', ADA),
        member(ZOE, 'lead', EVE),
        member(BOB, 'lead', ZOE),
      ),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'whoever appointed the requester, who would be two people',
      BOB,
      staffOf(member(ADA, 'support', BOB), member(BOB, 'lead')),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'the founder whose appointee appointed the requester',
      BOB,
      staffOf(member(ADA, 'support', EVE), member(EVE, 'lead', BOB), member(BOB, 'lead')),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'another appointee of whoever appointed the requester',
      BOB,
      staffOf(member(ADA, 'support', EVE), member(BOB, 'lead', EVE), member(EVE, 'lead')),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'the appointee of another whom the requester’s founder appointed',
      BOB,
      staffOf(
        member(ADA, 'support', EVE),
        member(EVE, 'lead'),
        member(ZOE, 'lead', EVE),
        member(BOB, 'lead', ZOE),
      ),
      'ERR_ACCESS_APPOINTEE',
    ],
    ['anybody where the requester is unknown', BOB, staffOf(member(BOB, 'lead')), 'ERR_ACCESS_APPOINTEE'],
    [
      'one whose chain names nobody known',
      BOB,
      staffOf(member(ADA, 'support'), member(BOB, 'lead', ZOE)),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'one whose chain is a circle',
      BOB,
      staffOf(member(ADA, 'support'), member(BOB, 'lead', EVE), member(EVE, 'lead', BOB)),
      'ERR_ACCESS_APPOINTEE',
    ],
    [
      'a role that does not approve',
      BOB,
      staffOf(member(ADA, 'support'), member(BOB, 'support')),
      'ERR_ACCESS_APPROVER',
    ],
    [
      'somebody dismissed',
      BOB,
      staffOf(member(ADA, 'support'), { ...member(BOB, 'lead'), active: false }),
      'ERR_ACCESS_STAFF',
    ],
    ['nobody known', ZOE, staffOf(member(ADA, 'support')), 'ERR_ACCESS_STAFF'],
  ]
  test.each(refused)('is refused to %s', (_who, approver, staff, code) => {
    expect(() => assertMayApprove(grant, approver, staff, roles)).toThrow(refuses(code))
  })

  test('may come from anybody who goes back to another founder', () => {
    const staff = staffOf(
      member(ADA, 'support', EVE),
      member(EVE, 'lead'),
      member(BOB, 'lead', ZOE),
      member(ZOE, 'lead'),
    )
    for (const approver of [BOB, ZOE])
      expect(() => assertMayApprove(grant, approver, staff, roles)).not.toThrow()
  })

  test('after breaking the glass is a review, by somebody as independent', () => {
    const staff = staffOf(
      member(ADA, 'lead'),
      member(BOB, 'reviewer'),
      member(EVE, 'reviewer', ADA),
      member(ZOE, 'lead'),
    )
    expect(() => assertMayReview(grant, BOB, staff, roles)).not.toThrow()
    expect(() => assertMayReview(grant, ADA, staff, roles)).toThrow(refuses('ERR_ACCESS_SELF_APPROVAL'))
    expect(() => assertMayReview(grant, EVE, staff, roles)).toThrow(refuses('ERR_ACCESS_APPOINTEE'))
    expect(() => assertMayReview(grant, ZOE, staff, roles)).toThrow(refuses('ERR_ACCESS_APPROVER'))
  })
})

describe('the passkeys of a member', () => {
  const appointing = { ...roles, lead: { appoints: ['support', 'lead'] } }
  const may = (by: string, whose: string, staff: Staff) =>
    mayReplacePasskeys(staff.get(by), staff.get(whose)!, staff, appointing)
  const staff = staffOf(
    member(ADA, 'lead'),
    member(BOB, 'lead', ADA),
    member(EVE, 'lead', BOB),
    member(ZOE, 'support'),
  )

  test('are replaced by whoever appoints their role, and by nobody who owes them the place', () => {
    expect([may(ADA, EVE, staff), may(ADA, ZOE, staff), may(EVE, ZOE, staff)]).toEqual([true, true, true])
    expect([may(BOB, ADA, staff), may(EVE, ADA, staff), may(EVE, BOB, staff)]).toEqual([false, false, false])
  })

  test('are not replaced by oneself, by another role, or by who was dismissed or is unknown', () => {
    const dismissed = staffOf({ ...member(ADA, 'lead'), active: false }, member(ZOE, 'support'))
    expect([may(ADA, ADA, staff), may(ZOE, ADA, staff), may(TEAM, ZOE, staff)]).toEqual([false, false, false])
    expect(may(ADA, ZOE, dismissed)).toBe(false)
    expect(may(BOB, ZOE, staffOf(member(BOB, 'lead', TEAM), member(ZOE, 'support')))).toBe(false)
  })
})

describe('the time of a grant', () => {
  test('begins with its first millisecond and ends before its last', () => {
    expect(() => assertInTime(grant, grant.from)).not.toThrow()
    expect(() => assertInTime(grant, grant.until - 1)).not.toThrow()
    expect(() => assertInTime(grant, grant.from - 1)).toThrow(refuses('ERR_ACCESS_GRANT_TIME'))
    expect(() => assertInTime(grant, grant.until)).toThrow(refuses('ERR_ACCESS_GRANT_TIME'))
  })
})

describe('an operator', () => {
  const base = { purpose: 'to test', basis: 'contract', retention: 'account' } as const
  const fields = { personId: field.id(), teamId: field.id(), note: field.text('a note', { max: 9 }) }
  const heartbeats = resource({ ...base, name: 'heartbeats', subject: 'personId', tenant: 'teamId', fields })
  const people = resource({ ...base, name: 'people', subject: 'personId', fields })
  const teams = resource({ ...base, name: 'teams', tenant: 'teamId', fields })
  const asking: Principal = { kind: 'operator', id: ADA, tenant: null, roles: ['support'] }
  const withGrant = (change: Partial<Grant>): Principal =>
    operatorPrincipal(asking, effectiveGrant('g', { ...grant, ...change }))
  const none = parseRoles({ support: ['heartbeats:*:any'] })

  test('has what the grant names and nothing that a role of the app says', () => {
    const operator = withGrant({ resources: { heartbeats: null, people: null, teams: null } })
    expect(decide(operator, none, heartbeats, 'read')).toBe('own')
    expect(decide(operator, none, people, 'read')).toBe('own')
    expect(decide(operator, none, teams, 'read')).toBeNull()
    expect(decide(operator, none, heartbeats, 'write')).toBeNull()
    expect(decide(withGrant({}), none, people, 'read')).toBeNull()
    expect(decide(asking, none, heartbeats, 'read')).toBeNull()
    expect(tenantOf(operator, people)).toBe(PERSON)
    expect(tenantOf(operator, heartbeats)).toBe(TEAM)
  })

  test('with a tenant’s grant reaches rows of that tenant, and of nobody who is their own', () => {
    const operator = withGrant({
      scope: { tenant: TEAM, subject: null },
      resources: { heartbeats: null, people: null, teams: null },
    })
    expect(decide(operator, none, heartbeats, 'read')).toBe('tenant')
    expect(decide(operator, none, teams, 'read')).toBe('tenant')
    expect(decide(operator, none, people, 'read')).toBeNull()
  })

  test('loses the grant when the principal is copied, and never has another’s', () => {
    expect(decide({ ...withGrant({}) }, none, heartbeats, 'read')).toBeNull()
    expect(() => operatorPrincipal({ ...asking, id: BOB }, effectiveGrant('g', grant))).toThrow(
      refuses('ERR_ACCESS_PRINCIPAL'),
    )
    expect(() => operatorPrincipal({ ...asking, kind: 'user' }, effectiveGrant('g', grant))).toThrow(
      refuses('ERR_ACCESS_PRINCIPAL'),
    )
  })
})
