import type { Grant, PasskeyAssertion } from '../access/index.ts'
import type { Verdict } from './glass.ts'
import type { GrantRecord, Listing } from './grant-records.ts'

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

/** The life of grants. Whoever calls has signed in `by`; what opens something is signed by a passkey besides. */
export interface Grants {
  /**
   * A grant that waits for approval; at most {@link MOST_WAITING} of one member.
   * @throws StaffError `ERR_STAFF_TOO_MANY`; AccessError `ERR_ACCESS_GRANT`, `ERR_ACCESS_GRANT_WIDER`, `ERR_ACCESS_STAFF`
   */
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
  /** Ends everything that a member asked for and that lasts still: their account was switched off. */
  endAllOf(member: string): Promise<void>
  /** The customer's yes, where they asked to be asked first; `by` is their administrator, or the person. */
  consent(by: Customer, id: string): Promise<void>
  /** A grant to be opened without approval; nothing happens before {@link Grants.breakGlass}. */
  prepareBreakGlass(by: string, asked: GrantRequest): Promise<Grant>
  /** Opens it at once, alarms, and demands a review. */
  breakGlass(by: string, grant: Grant, assertion: PasskeyAssertion): Promise<GrantRecord>
  reviewChallenge(id: string, verdict: Verdict): Promise<Uint8Array>
  /** By somebody who is neither the user nor appointed by them. Ends the grant: what is judged goes on no more. */
  review(by: string, id: string, verdict: Verdict, note: string, assertion: PasskeyAssertion): Promise<void>
  acknowledgeChallenge(id: string, consequence: string): Promise<Uint8Array>
  /**
   * Writes down what followed from broken glass that was not justified; until then the promise is broken.
   * By somebody who could have reviewed it. The consequence takes 10 to 500 characters.
   * @throws StaffError `ERR_STAFF_STATE`, `ERR_STAFF_CONSEQUENCE`, `ERR_STAFF_APPROVAL`; AccessError
   */
  acknowledge(by: string, id: string, consequence: string, assertion: PasskeyAssertion): Promise<void>
  read(id: string): Promise<GrantRecord>
  /** The newest first. Default the newest 100 of everybody's. */
  list(listing?: Listing): Promise<GrantRecord[]>
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
