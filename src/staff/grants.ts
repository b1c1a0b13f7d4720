import { randomBytes } from 'node:crypto'
import {
  assertMayApprove,
  assertMayRequest,
  assertMayReview,
  grantDigest,
  parseGrant,
  type Grant,
  type Passkey,
  type PasskeyAssertion,
  type Staff,
} from '../access/index.ts'
import { parseDuration, toHex } from '../kernel/index.ts'
import type { StaffActed } from '../log/index.ts'
import { StaffError } from './errors.ts'
import { decide, insertGrant, listGrants, lockGrant, readGrant } from './grant-records.ts'
import type { Decision, GrantRecord, GrantState } from './grant-records.ts'
import { asksFirst, reviewChallenge, verifySigned } from './in-force.ts'
import type { Members } from './members.ts'
import type { StaffPorts } from './ports.ts'

/** What a staff member asks for; the rest of the grant is filled in. */
export interface GrantRequest extends Pick<Grant, 'purpose' | 'ticket' | 'scope' | 'resources'> {
  /** Default `support`. */
  readonly kind?: Exclude<Grant['kind'], 'break-glass'>
  /** Default `['read']`. */
  readonly actions?: Grant['actions']
  /** Milliseconds from now; default one hour, at most 8. */
  readonly lastsMs?: number
  /** Default: accesses are shown at once. */
  readonly delay?: Grant['delay']
}

/** Who consents for a customer: their administrator, as the caller has made sure, or the person. */
export interface Customer {
  readonly personId: string
  readonly tenant: string | null
}

export type Verdict = 'justified' | 'unjustified'

/** The life of grants. Whoever calls has signed in `by`; what opens something is signed by a passkey besides. */
export interface Grants {
  /** A grant that waits for approval. @throws AccessError `ERR_ACCESS_GRANT`, `ERR_ACCESS_GRANT_WIDER`, `ERR_ACCESS_STAFF` */
  request(by: string, asked: GrantRequest): Promise<GrantRecord>
  /** What an approver's passkey signs: the digest of the grant. */
  challenge(id: string): Promise<Uint8Array>
  /**
   * Opens a waiting grant, once.
   * @throws StaffError `ERR_STAFF_STATE`, `ERR_STAFF_APPROVAL`; AccessError
   */
  approve(by: string, id: string, assertion: PasskeyAssertion): Promise<void>
  refuse(by: string, id: string): Promise<void>
  /** Ends a grant early: any active member may. */
  end(by: string, id: string): Promise<void>
  /** The customer's yes, where they asked to be asked first; `by` is their administrator, or the person. */
  consent(by: Customer, id: string): Promise<void>
  /** A grant to be opened without approval; nothing happens before {@link Grants.breakGlass}. */
  prepareBreakGlass(by: string, asked: GrantRequest): Promise<Grant>
  /** Opens it at once, alarms, and demands a review. */
  breakGlass(by: string, grant: Grant, assertion: PasskeyAssertion): Promise<GrantRecord>
  reviewChallenge(id: string, verdict: Verdict): Promise<Uint8Array>
  /** By somebody who is neither the user nor appointed by them. */
  review(by: string, id: string, verdict: Verdict, note: string, assertion: PasskeyAssertion): Promise<void>
  read(id: string): Promise<GrantRecord>
  /** The newest first. */
  list(most?: number): Promise<GrantRecord[]>
  /** Switches "ask us first" for a customer. */
  setAsksFirst(by: string, tenant: string, asks: boolean): Promise<void>
  /** Whether that customer, a tenant or a person who is their own, is asked first. */
  asksFirst(owner: string): Promise<boolean>
  /** Whether whoever a grant is about is asked first. */
  mustAsk(grant: Grant): Promise<boolean>
  /** What is signed of a grant. */
  digestOf(grant: Grant): Uint8Array
  /** When the review of a break-glass grant is due, in Unix milliseconds; null where none is. */
  reviewDueAt(record: GrantRecord): number | null
}

/** What is known of staff when somebody decides. */
interface Facts {
  readonly staff: Staff
  /** Of the one who decides. */
  readonly passkeys: readonly Passkey[]
}

type Change = readonly [GrantState, Decision]

const DEFAULT_LIFE_MS = 3_600_000

export class GrantBook implements Grants {
  readonly #ports: StaffPorts
  readonly #members: Members
  readonly #reviewWithinMs: number

  constructor(ports: StaffPorts, members: Members) {
    this.#ports = ports
    this.#members = members
    this.#reviewWithinMs = parseDuration(ports.config.reviewWithin ?? '24h')
  }

  async request(by: string, asked: GrantRequest): Promise<GrantRecord> {
    const grant = await this.#draft(by, asked, asked.kind ?? 'support')
    await this.#ports.audit.record([{ ...aboutGrant(null, grant), kind: 'staff.requested', actor: by }])
    return this.read(await insertGrant(this.#tables, grant, 'waiting', []))
  }

  async challenge(id: string): Promise<Uint8Array> {
    return grantDigest((await this.read(id)).grant)
  }

  approve(by: string, id: string, assertion: PasskeyAssertion): Promise<void> {
    return this.#change(by, id, ({ grant, state }, { staff, passkeys }) => {
      requireState(state, 'waiting')
      if (this.#now >= grant.until) throw new StaffError('ERR_STAFF_STATE', 'the grant has ended already')
      assertMayApprove(grant, by, staff, this.#roles)
      verifySigned(this.#ports, passkeys, grantDigest(grant), assertion)
      return ['open', this.#decision('approved', by, { assertion })]
    })
  }

  refuse(by: string, id: string): Promise<void> {
    return this.#change(by, id, ({ grant, state }, { staff }) => {
      requireState(state, 'waiting')
      assertMayApprove(grant, by, staff, this.#roles)
      return ['refused', this.#decision('refused', by)]
    })
  }

  end(by: string, id: string): Promise<void> {
    return this.#change(by, id, ({ state }, { staff }) => {
      if (state !== 'waiting') requireState(state, 'open')
      if (staff.get(by)?.active !== true) throw new StaffError('ERR_STAFF_ROLE', 'only staff end a grant')
      return ['ended', this.#decision('ended', by)]
    })
  }

  consent({ personId, tenant }: Customer, id: string): Promise<void> {
    return this.#change(personId, id, ({ grant: { scope }, state, decisions }) => {
      if (state !== 'waiting') requireState(state, 'open')
      const theirs = scope.tenant === null ? personId === scope.subject : tenant === scope.tenant
      if (!theirs) throw new StaffError('ERR_STAFF_CONSENT', 'the grant is about another customer')
      if (has(decisions, 'consented')) throw new StaffError('ERR_STAFF_STATE', 'consent was given before')
      return [state, this.#decision('consented', personId)]
    })
  }

  prepareBreakGlass(by: string, asked: GrantRequest): Promise<Grant> {
    return this.#draft(by, asked, 'break-glass')
  }

  async breakGlass(by: string, asked: Grant, assertion: PasskeyAssertion): Promise<GrantRecord> {
    const { audit, logger, alarm } = this.#ports
    const grant = parseGrant(asked)
    if (grant.kind !== 'break-glass' || grant.requester !== by)
      throw new StaffError('ERR_STAFF_GRANT', 'this is no break-glass grant of one’s own')
    if (Math.abs(grant.from - this.#now) > BREAK_GLASS_WAITS_MS)
      throw new StaffError('ERR_STAFF_STATE', 'the grant was prepared too long ago')
    assertMayRequest(grant, (await this.#members.all()).get(by), this.#roles)
    verifySigned(this.#ports, await this.#members.passkeys(by), grantDigest(grant), assertion)
    const decision = this.#decision('broke-glass', by, { assertion })
    // The alarm first: whatever fails afterwards, it was raised.
    await audit.record([toEvent(decision, { id: null, grant })])
    const reviewBy = grant.from + this.#reviewWithinMs
    logger.warn({ role: grant.role, reviewBy: new Date(reviewBy) }, 'the glass was broken')
    const id = await insertGrant(this.#tables, grant, 'open', [decision])
    alarm?.({ grant: id, member: by, role: grant.role, reviewBy })
    return this.read(id)
  }

  async reviewChallenge(id: string, verdict: Verdict): Promise<Uint8Array> {
    return reviewChallenge((await this.read(id)).grant, verdict)
  }

  review(
    by: string,
    id: string,
    verdict: Verdict,
    words: string,
    assertion: PasskeyAssertion,
  ): Promise<void> {
    return this.#change(by, id, ({ grant, state, decisions }, { staff, passkeys }) => {
      if (grant.kind !== 'break-glass' || has(decisions, 'reviewed'))
        throw new StaffError('ERR_STAFF_STATE', 'there is nothing to review')
      assertMayReview(grant, by, staff, this.#roles)
      verifySigned(this.#ports, passkeys, reviewChallenge(grant, verdict), assertion)
      return [state, this.#decision('reviewed', by, { assertion, note: `${verdict}: ${words}` })]
    })
  }

  read(id: string): Promise<GrantRecord> {
    return readGrant(this.#tables, id)
  }

  list(most = 100): Promise<GrantRecord[]> {
    return listGrants(this.#tables, most)
  }

  async setAsksFirst(by: string, tenant: string, asks: boolean): Promise<void> {
    const { audit, data } = this.#ports
    const about = { grant: null, digest: null, member: null, subject: null, tenant }
    await audit.record([{ kind: 'staff.asks-first', actor: by, ...about, change: asks ? 'on' : 'off' }])
    await data('staff_tenant_settings')
      .insertInto('staff_tenant_settings')
      .values({ tenantId: tenant, asksFirst: asks })
      .execute()
  }

  asksFirst(owner: string): Promise<boolean> {
    return asksFirst(this.#ports, { tenant: owner, subject: null })
  }

  mustAsk({ scope }: Grant): Promise<boolean> {
    return asksFirst(this.#ports, scope)
  }

  digestOf(grant: Grant): Uint8Array {
    return grantDigest(grant)
  }

  reviewDueAt({ grant, decisions }: GrantRecord): number | null {
    return grant.kind !== 'break-glass' || has(decisions, 'reviewed')
      ? null
      : grant.from + this.#reviewWithinMs
  }

  async #change(by: string, id: string, work: (record: GrantRecord, facts: Facts) => Change): Promise<void> {
    // Read before the lock: a decision never waits for a second connection while it holds one.
    const facts = { staff: await this.#members.all(), passkeys: await this.#members.passkeys(by) }
    await this.#tables.transaction().execute(async (transaction) => {
      const record = await lockGrant(transaction, id)
      const [state, decision] = work(record, facts)
      // Before the commit: no decision without its event.
      await this.#ports.audit.record([toEvent(decision, record)])
      await decide(transaction, record, state, decision)
    })
  }

  async #draft(by: string, asked: GrantRequest, kind: Grant['kind']): Promise<Grant> {
    const member = (await this.#members.all()).get(by)
    const grant = parseGrant(fillIn(by, member?.role ?? 'none', asked, kind, this.#now))
    assertMayRequest(grant, member, this.#roles)
    return grant
  }

  #decision(what: Decision['what'], by: string, more: Partial<Decision> = {}): Decision {
    const assertion = more.assertion ? signedPart(more.assertion) : null
    return { what, by, at: this.#now, note: null, ...more, assertion }
  }

  get #tables() {
    return this.#ports.data('staff_grants')
  }

  get #roles() {
    return this.#ports.config.roles
  }

  get #now(): number {
    return this.#ports.clock.now()
  }
}

function has(decisions: readonly Decision[], what: Decision['what']): boolean {
  return decisions.some((decision) => decision.what === what)
}

/** Only what verifying takes is kept: what a browser sends may hold anything. */
function signedPart({
  credential,
  authenticatorData,
  clientData,
  signature,
}: PasskeyAssertion): PasskeyAssertion {
  return { credential, authenticatorData, clientData, signature }
}

/** How long a prepared break-glass grant may wait for the passkey. */
const BREAK_GLASS_WAITS_MS = 300_000

function fillIn(by: string, role: string, asked: GrantRequest, kind: Grant['kind'], now: number): Grant {
  const {
    purpose,
    ticket,
    scope,
    resources,
    actions = ['read'],
    lastsMs = DEFAULT_LIFE_MS,
    delay = null,
  } = asked
  const nonce = randomBytes(16).toString('hex')
  const time = { from: now, until: now + lastsMs, delay }
  return { v: 1, kind, purpose, ticket, requester: by, role, scope, resources, actions, ...time, nonce }
}

function requireState(state: GrantState, wanted: GrantState): void {
  if (state !== wanted) throw new StaffError('ERR_STAFF_STATE', `the grant is ${state}, no longer ${wanted}`)
}

const EVENTS: Readonly<Record<Decision['what'], StaffActed['kind']>> = {
  approved: 'staff.approved',
  'broke-glass': 'staff.broke-glass',
  consented: 'staff.consented',
  refused: 'staff.refused',
  ended: 'staff.ended',
  reviewed: 'staff.reviewed',
}

function toEvent(
  { what, by, note }: Decision,
  { id, grant }: { id: string | null; grant: Grant },
): StaffActed {
  const change = what === 'reviewed' ? (note?.split(':')[0] ?? null) : null
  return { ...aboutGrant(id, grant), kind: EVENTS[what], actor: by, change }
}

function aboutGrant(id: string | null, grant: Grant): Omit<StaffActed, 'kind' | 'actor'> {
  const { tenant, subject } = grant.scope
  return { grant: id, digest: toHex(grantDigest(grant)), member: null, tenant, subject, change: null }
}
