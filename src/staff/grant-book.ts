import { randomBytes } from 'node:crypto'
import {
  assertMayApprove,
  assertMayRequest,
  assertMayReview,
  grantDigest,
  MOST_GRANT_MS,
  parseGrant,
  type Grant,
  type Passkey,
  type PasskeyAssertion,
  type Staff,
} from '../access/index.ts'
import { parseDuration } from '../kernel/index.ts'
import { StaffError } from './errors.ts'
import {
  acknowledgeChallenge,
  isMarkedBroken,
  markBroken,
  markedVerdict,
  markReviewed,
  reviewChallenge,
  type Verdict,
} from './glass.ts'
import { aboutGrant, toEvent, verdictIn } from './grant-events.ts'
import { decide, insertGrant, listGrants, lockGrant, readGrant } from './grant-records.ts'
import type { Decision, GrantRecord, GrantState, Listing } from './grant-records.ts'
import type { Customer, GrantRequest, Grants } from './grants.ts'
import { asksFirst, markEnded, verifySigned } from './in-force.ts'
import type { Members } from './members.ts'
import type { StaffPorts } from './ports.ts'
import { digestOfId } from './staff-list.ts'

/** What is known of staff when somebody decides. */
interface Facts {
  readonly staff: Staff
  /** Of the one who decides. */
  readonly passkeys: readonly Passkey[]
}

type Change = readonly [GrantState, Decision]
/** Null: nothing is to be changed. */
type Work = Change | null | Promise<Change | null>

const DEFAULT_LIFE_MS = 3_600_000
/** Requests of one member that wait at the same time: more would hide those of others. */
const MOST_WAITING = 20

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
    const waiting = (await this.#lasting(by)).filter(({ state }) => state === 'waiting')
    if (waiting.length >= MOST_WAITING)
      throw new StaffError('ERR_STAFF_TOO_MANY', `${MOST_WAITING} requests of this member wait already`)
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

  async endAllOf(member: string): Promise<void> {
    for (const { id } of await this.#lasting(member))
      await this.#decide(id, ({ state }) =>
        isLive(state) ? ['ended', this.#decision('ended', 'system')] : null,
      )
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
    if (await isMarkedBroken(this.#ports, grant)) throw brokenBefore()
    const decision = this.#decision('broke-glass', by, { assertion })
    // The alarm first: whatever fails afterwards, it was raised.
    await audit.record([toEvent(decision, { id: null, grant })])
    const reviewBy = grant.from + this.#reviewWithinMs
    logger.warn({ role: grant.role, reviewBy: new Date(reviewBy) }, 'the glass was broken')
    const id = await insertGrant(this.#tables, grant, 'open', [decision])
    // Of two that were sent at once one is marked; without its mark a row opens nothing.
    if (!(await markBroken(this.#ports, grant, id, reviewBy))) throw brokenBefore()
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
    return this.#change(by, id, async ({ grant, decisions }, { staff, passkeys }) => {
      const reviewed = has(decisions, 'reviewed') || (await markedVerdict(this.#ports, grant)) !== null
      if (grant.kind !== 'break-glass' || reviewed)
        throw new StaffError('ERR_STAFF_STATE', 'there is nothing to review')
      assertMayReview(grant, by, staff, this.#roles)
      verifySigned(this.#ports, passkeys, reviewChallenge(grant, verdict), assertion)
      return ['ended', this.#decision('reviewed', by, { assertion, note: `${verdict}: ${words}` })]
    })
  }

  async acknowledgeChallenge(id: string, consequence: string): Promise<Uint8Array> {
    return acknowledgeChallenge((await this.read(id)).grant, requireWords(consequence))
  }

  acknowledge(by: string, id: string, consequence: string, assertion: PasskeyAssertion): Promise<void> {
    return this.#change(by, id, async ({ grant, state, decisions }, { staff, passkeys }) => {
      const unjustified = (await markedVerdict(this.#ports, grant)) === 'unjustified'
      if (!unjustified || has(decisions, 'acknowledged'))
        throw new StaffError('ERR_STAFF_STATE', 'there is nothing to acknowledge')
      assertMayReview(grant, by, staff, this.#roles)
      const note = requireWords(consequence)
      verifySigned(this.#ports, passkeys, acknowledgeChallenge(grant, note), assertion)
      return [state, this.#decision('acknowledged', by, { assertion, note })]
    })
  }

  read(id: string): Promise<GrantRecord> {
    return readGrant(this.#tables, id)
  }

  list(listing: Listing = { most: 100 }): Promise<GrantRecord[]> {
    return listGrants(this.#tables, listing)
  }

  async setAsksFirst(by: string, tenant: string, asks: boolean): Promise<void> {
    const { audit, data, marks } = this.#ports
    const about = { grant: null, digest: null, member: null, subject: null, tenant }
    await audit.record([{ kind: 'staff.asks-first', actor: by, ...about, change: asks ? 'on' : 'off' }])
    if (asks) await marks.set('asks', digestOfId(tenant))
    await data('staff_tenant_settings')
      .insertInto('staff_tenant_settings')
      .values({ tenantId: tenant, asksFirst: asks })
      .execute()
    if (!asks) await marks.remove('asks', digestOfId(tenant))
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

  async #change(by: string, id: string, work: (record: GrantRecord, facts: Facts) => Work): Promise<void> {
    // Read before the lock: a decision never waits for a second connection while it holds one.
    const facts = { staff: await this.#members.all(), passkeys: await this.#members.passkeys(by) }
    await this.#decide(id, (record) => work(record, facts))
  }

  async #decide(id: string, work: (record: GrantRecord) => Work): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const record = await lockGrant(transaction, id)
      const change = await work(record)
      if (!change) return
      const [state, decision] = change
      // Before the commit: no decision without its event, and nothing ended that its row alone would say.
      await this.#ports.audit.record([toEvent(decision, record)])
      await this.#mark(record.grant, state, decision)
      await decide(transaction, record, state, decision)
    })
  }

  async #mark(grant: Grant, state: GrantState, { what, note }: Decision): Promise<void> {
    if (what === 'reviewed') await markReviewed(this.#ports, grant, verdictIn(note))
    if (state === 'ended' || state === 'refused') await markEnded(this.#ports, grant)
  }

  /** What a member asked for and could use still, were it approved. */
  #lasting(requester: string): Promise<GrantRecord[]> {
    return listGrants(this.#tables, { requester, since: this.#now - MOST_GRANT_MS - BREAK_GLASS_WAITS_MS })
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

function brokenBefore(): Error {
  return new StaffError('ERR_STAFF_STATE', 'the glass was broken with this very grant before')
}

function requireWords(consequence: string): string {
  const words = consequence.trim()
  if (words.length >= 10 && words.length <= 500 && words.isWellFormed() && !words.includes('\0')) return words
  throw new StaffError('ERR_STAFF_CONSEQUENCE', 'the consequence is not said in 10 to 500 characters')
}

function isLive(state: GrantState): boolean {
  return state === 'waiting' || state === 'open'
}

function requireState(state: GrantState, wanted: GrantState): void {
  if (state !== wanted) throw new StaffError('ERR_STAFF_STATE', `the grant is ${state}, no longer ${wanted}`)
}
