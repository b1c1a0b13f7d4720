import type { Principal } from '../access/index.ts'
import { hasCode, isId } from '../kernel/index.ts'
import type { MailMessage } from '../declare/index.ts'
import { letter, type Outbox } from '../mail/index.ts'
import { TenantsError } from './errors.ts'
import { createSecret, hashSecret } from './key-text.ts'
import { requireAssignable } from './members.ts'
import { findMember, insertMember } from './memberships.ts'
import type { Change, Office } from './office.ts'
import { ADMINISTRATOR } from './rules.ts'
import { actorOf, requireAdministrator, standingOf, tenantOfActor } from './standing.ts'

/** Somebody who was asked to join a tenant, and has not yet. */
export interface Invitation {
  readonly id: string
  readonly email: string
  readonly roles: readonly string[]
  /** Pseudonym of the administrator who invites. */
  readonly invitedBy: string
  readonly expiresAt: Date
}

/** Invitations by mail: each opens once, for a week, to the account that has the address it went to. */
export interface Invitations {
  /**
   * Writes to an address; an earlier invitation of this tenant to it ends. The roles must allow nothing that the
   * actor does not hold, now and when the invitation is accepted.
   *
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_BEYOND`, `ERR_TENANTS_ROLE`,
   *   `ERR_TENANTS_TOO_MANY`, `ERR_TENANTS_INVITATION_LIMIT`; and what the port says of an address that is none
   */
  invite(actor: Principal, typed: string, roles: readonly string[]): Promise<void>
  /** Those that are open. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  list(actor: Principal): Promise<readonly Invitation[]>
  /** @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_MISSING` */
  revoke(actor: Principal, id: string): Promise<void>
  /** Whether a link could be accepted now, by the right person. */
  isOpen(token: string): Promise<boolean>
  /**
   * Makes the person a member, once. Who accepts must have the address that the letter went to; opening its link
   * confirms it. The inviter must still be an administrator who holds what the roles allow.
   *
   * @returns the tenant
   * @throws TenantsError `ERR_TENANTS_INVITATION`, `ERR_TENANTS_INVITATION_ADDRESS`, `ERR_TENANTS_EXISTS`
   */
  accept(personId: string, token: string): Promise<string>
}

/** What invitations need of mail and of sign-in; `compose/` connects it. */
export interface InvitationPorts {
  readonly outbox: Outbox
  /** The product, and its public address: the only one that letters link to. */
  readonly from: () => { readonly name: string; readonly url: string }
  /** The one form in which an address is compared. @throws for what is no address */
  canonical(typed: string): string
  /** Whether the mailbox may get another letter, which is counted then. */
  mayWriteTo(email: string): Promise<boolean>
  /** True where the person's account has the address, which counts as confirmed from then on. */
  prove(personId: string, email: string): Promise<boolean>
}

export const INVITATION_PATH = '/account/invitation'
const DAYS = 7
const LIFE_MS = DAYS * 86_400_000
/** Open invitations of one tenant: more than anybody looks through. */
const MOST_OPEN = 100
const TOKEN = /^[0-9A-Za-z]{43}$/
const COLUMNS = ['id', 'tenantId', 'email', 'roles', 'invitedBy', 'expiresAt'] as const

export function createInvitations(office: Office, ports: InvitationPorts): Invitations {
  const { change, clock } = office
  ports.outbox.writes('invitation', ({ id = '' }) => writeInvitation(office, ports, id))
  return {
    async invite(actor, typed, roles) {
      const email = ports.canonical(typed)
      await change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        await requireAssignable(office, open, standing, [], roles)
        await makeRoom(office, open, email)
        if (!(await ports.mayWriteTo(email)))
          throw new TenantsError('ERR_TENANTS_INVITATION_LIMIT', 'the address had enough letters for now')
        const id = await insertInvitation(open, {
          email,
          roles: [...roles],
          invitedBy: actor.id,
          // Of a secret that nobody has: the link is made when the letter is written.
          secretHash: hashSecret(createSecret()),
          expiresAt: new Date(clock.now() + LIFE_MS),
        })
        open.tell({ ...about(id), actor: actorOf(standing), before: null, after: [...roles] })
        await ports.outbox.post({ kind: 'invitation', about: { id } }, open.db)
      })
      ports.outbox.wake()
    },
    list: (actor) =>
      change(tenantOfActor(actor), async (open) => {
        await requireAdministrator(office, open, actor)
        return openInvitations(office, open)
      }),
    revoke: (actor, id) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireAdministrator(office, open, actor)
        const found = (await openInvitations(office, open)).find((one) => one.id === id)
        if (!found) throw new TenantsError('ERR_TENANTS_MISSING', 'this invitation is not open')
        await open.db.deleteFrom('tenant_invitations').where('id', '=', found.id).execute()
        open.tell({ ...about(found.id), actor: actorOf(standing), before: found.roles, after: null })
      }),
    isOpen: async (token) => (await byToken(office, office.db, token)) !== null,
    accept: (personId, token) => accept(office, ports, personId, token),
  }
}

/** The letter of an invitation that is open, with a link of its own; one that was sent before opens no more. */
async function writeInvitation(
  { db, clock }: Office,
  ports: InvitationPorts,
  id: string,
): Promise<MailMessage | null> {
  const secret = createSecret()
  const row = await db
    .updateTable('tenant_invitations')
    .set({ secretHash: hashSecret(secret) })
    .where('id', '=', id)
    .where('expiresAt', '>', new Date(clock.now()))
    .returning(['email'])
    .executeTakeFirst()
  return row ? invitationLetter(ports.from(), row.email, secret) : null
}

async function accept(
  office: Office,
  ports: InvitationPorts,
  personId: string,
  token: string,
): Promise<string> {
  const invitation = await byToken(office, office.db, token)
  if (!invitation || !isId(personId)) throw ended()
  if (!(await ports.prove(personId, invitation.email)))
    throw new TenantsError('ERR_TENANTS_INVITATION_ADDRESS', 'the invitation went to another address')
  await office.change(invitation.tenantId, async (open) => {
    // Under the tenant's lock: of those who race, one finds it.
    const found = await byToken(office, open.db, token)
    if (found?.id !== invitation.id) throw ended()
    await requireInviter(office, open, found)
    if (await findMember(open.db, open.tenant, personId))
      throw new TenantsError('ERR_TENANTS_EXISTS', 'this person is a member')
    await open.db.deleteFrom('tenant_invitations').where('id', '=', found.id).execute()
    const actor = { kind: 'user', id: personId, tenant: open.tenant, roles: [] } as const
    open.tell({ ...about(found.id), subject: personId, actor, before: found.roles, after: null })
    await insertMember(open, actor, personId, found.roles)
  })
  return invitation.tenantId
}

/** Nobody grants more than they hold: the inviter must hold it still. */
async function requireInviter(
  office: Office,
  open: Change,
  { invitedBy, roles }: Pick<Invitation, 'invitedBy' | 'roles'>,
): Promise<void> {
  const inviter = await findMember(open.db, open.tenant, invitedBy)
  if (!inviter?.roles.includes(ADMINISTRATOR) || (await office.isSwitchedOff(invitedBy))) throw ended()
  try {
    await requireAssignable(office, open, await standingOf(office, open.db, inviter), [], roles)
  } catch (error) {
    if (hasCode(error, 'ERR_TENANTS_BEYOND') || hasCode(error, 'ERR_TENANTS_ROLE')) throw ended()
    throw error
  }
}

/** An earlier invitation to the address ends, and what has ended goes. @throws TenantsError `ERR_TENANTS_TOO_MANY` */
async function makeRoom(office: Office, open: Change, email: string): Promise<void> {
  const now = new Date(office.clock.now())
  await open.db
    .deleteFrom('tenant_invitations')
    .where('tenantId', '=', open.tenant)
    .where('expiresAt', '<=', now)
    .execute()
  const all = await openInvitations(office, open)
  const earlier = all.filter((one) => one.email === email).map(({ id }) => id)
  if (earlier.length > 0) await open.db.deleteFrom('tenant_invitations').where('id', 'in', earlier).execute()
  if (all.length - earlier.length >= MOST_OPEN)
    throw new TenantsError('ERR_TENANTS_TOO_MANY', `there are ${MOST_OPEN} open invitations`)
}

interface NewInvitation extends Omit<Invitation, 'id' | 'roles'> {
  readonly roles: string[]
  readonly secretHash: string
}

async function insertInvitation({ db, tenant }: Change, values: NewInvitation): Promise<string> {
  const { id } = await db
    .insertInto('tenant_invitations')
    .values({ tenantId: tenant, ...values })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

async function openInvitations(
  { clock }: Office,
  { db, tenant }: Pick<Change, 'db' | 'tenant'>,
): Promise<readonly Invitation[]> {
  return db
    .selectFrom('tenant_invitations')
    .select(['id', 'email', 'roles', 'invitedBy', 'expiresAt'])
    .where('tenantId', '=', tenant)
    .where('expiresAt', '>', new Date(clock.now()))
    .orderBy('id')
    .execute()
}

async function byToken({ clock }: Office, db: Change['db'], token: string) {
  if (!TOKEN.test(token)) return null
  const row = await db
    .selectFrom('tenant_invitations')
    .select(COLUMNS)
    .where('secretHash', '=', hashSecret(token))
    .executeTakeFirst()
  return row && row.expiresAt.getTime() > clock.now() ? row : null
}

/** Names neither inviter nor organisation: what somebody could choose freely is not sent to strangers. */
function invitationLetter(from: { readonly name: string; readonly url: string }, to: string, token: string) {
  return letter({
    from,
    to,
    subject: `You are invited to an organisation at ${from.name}`,
    paragraphs: [
      `An administrator of an organisation at ${from.name} invites you to join it:`,
      `${from.url}${INVITATION_PATH}?token=${token}`,
      `The link works once, for ${DAYS} days, for the account that has this address. You can make one there.`,
      'If you expected no invitation, there is nothing to do.',
    ],
  })
}

function about(row: string): { readonly what: 'invitation'; readonly subject: null; readonly row: string } {
  return { what: 'invitation', subject: null, row }
}

function ended(): Error {
  return new TenantsError(
    'ERR_TENANTS_INVITATION',
    'the invitation was accepted, was taken back, or has ended',
  )
}
