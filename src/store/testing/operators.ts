import {
  AccessError,
  effectiveGrant,
  type EffectiveGrant,
  type Grant,
  type Principal,
} from '../../access/index.ts'
import { createPseudonym } from '../../kernel/index.ts'
import type { OperatorAccess, OperatorGate } from '../operator-gate.ts'

/** A gate in memory: its grant can be ended, its record refused. */
export interface TestGate extends OperatorGate {
  readonly recorded: OperatorAccess[]
  grant: EffectiveGrant | null
  /** Run before an access counts as recorded. */
  beforeRecord: () => Promise<void> | void
}

export function createTestGate(): TestGate {
  const gate: TestGate = {
    recorded: [],
    grant: null,
    beforeRecord: () => undefined,
    async check() {
      if (!gate.grant) throw new AccessError('ERR_ACCESS_GRANT_TIME', 'the grant has ended')
      return gate.grant
    },
    async record(access) {
      await gate.beforeRecord()
      gate.recorded.push(access)
    },
  }
  return gate
}

export const operator: Principal = {
  kind: 'operator',
  id: createPseudonym(),
  tenant: null,
  roles: ['support'],
}

/** A grant of that operator to read the heartbeats in scope, with changes. */
export function grantFor(scope: Grant['scope'], changes: Partial<Grant> = {}): EffectiveGrant {
  return effectiveGrant('018f3c1e-0000-7000-8000-0000000000ff', {
    v: 1,
    kind: 'support',
    purpose: 'the person asked why a day is empty',
    ticket: 'CASE-7',
    requester: operator.id,
    role: 'support',
    scope,
    resources: { heartbeats: null },
    actions: ['read'],
    from: 0,
    until: 3_600_000,
    delay: null,
    nonce: '0'.repeat(32),
    ...changes,
  })
}
