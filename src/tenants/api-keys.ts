import { principalWith, PermissionSet, type Principal } from '../access/index.ts'
import type { PermissionText } from '../declare/index.ts'
import { isId, parseDuration, type Duration } from '../kernel/index.ts'
import { requireAddress } from './allow-list.ts'
import { TenantsError } from './errors.ts'
import { createSecret, formatKey, hashSecret, isSecretOf, parseKey } from './key-text.ts'
import { noteUse } from './last-use.ts'
import { findMember } from './memberships.ts'
import { missing, type Change, type Look, type Office } from './office.ts'
import { readName } from './role-name.ts'
import { ADMINISTRATOR, parseGrantable, requireHeld } from './rules.ts'
import { actorOf, keyRole, requireMember, standingNow, tenantOfActor } from './standing.ts'

/** What is shown of a key. */
export interface ApiKey {
  readonly id: string
  readonly personId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  /** To the hour; null: never. */
  readonly lastUsedAt: Date | null
  readonly createdAt: Date
}

export interface KeyDraft {
  readonly name: string
  /** What it may do, of what the person may. */
  readonly scopes: readonly PermissionText[]
  /** When it stops working. Default `"90d"`, at most `"1y"`. */
  readonly expiresIn?: Duration
}

/** A key as it is made: its text is shown once and stored nowhere. */
export interface NewKey {
  readonly key: ApiKey
  readonly text: string
}

/** Keys by which programs act for a person, in one tenant, within limits. */
export interface ApiKeys {
  /** @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_BEYOND`, `ERR_TENANTS_PERMISSION`, `ERR_TENANTS_NAME`, `ERR_TENANTS_KEY_TERM`, `ERR_TENANTS_TOO_MANY` */
  create(actor: Principal, draft: KeyDraft): Promise<NewKey>
  /** The actor's own; an administrator's list has everybody's. @throws TenantsError `ERR_TENANTS_FORBIDDEN` */
  list(actor: Principal): Promise<readonly ApiKey[]>
  /**
   * A new key like the old one, which goes on for the overlap, so that programs can be changed over.
   *
   * @param overlap how long both work, no longer than the old one would have. Default `"24h"`
   * @throws TenantsError `ERR_TENANTS_FORBIDDEN`, `ERR_TENANTS_MISSING`, `ERR_TENANTS_BEYOND`
   */
  rotate(actor: Principal, id: string, overlap?: Duration): Promise<NewKey>
  /** At once. One's own, or as an administrator anybody's. @throws TenantsError `ERR_TENANTS_MISSING` */
  revoke(actor: Principal, id: string): Promise<void>
  /**
   * Takes away every key of a person, in every tenant: for when their account is switched off or removed.
   * Done again, it does what is left.
   */
  revokeAllOf(personId: string): Promise<void>
  /**
   * Who a key acts for: with what the key may, as far as the person may it at this moment. Null for what
   * is no key, is past its end, or whose person is a member no more or is switched off.
   *
   * @throws TenantsError `ERR_TENANTS_ADDRESS`
   */
  principalOf(text: string, request?: { readonly address?: string | null }): Promise<Principal | null>
}

const DEFAULT_TERM: Duration = '90d'
const LONGEST_TERM_MS = parseDuration('1y')
const DEFAULT_OVERLAP: Duration = '24h'
/** Keys of one person in one tenant. */
const MOST_KEYS = 50

const SHOWN = ['id', 'personId', 'name', 'scopes', 'expiresAt', 'lastUsedAt', 'createdAt'] as const

export function createApiKeys(office: Office): ApiKeys {
  const { change, look, clock } = office
  return {
    create: (actor, { name, scopes, expiresIn = DEFAULT_TERM }) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireMember(office, open, actor)
        const asked = parseGrantable(office.resources, scopes)
        requireHeld(standing.permissions, asked)
        const called = readName(name)
        if (called === null) throw new TenantsError('ERR_TENANTS_NAME', 'the name of the key does not fit')
        const term = parseDuration(expiresIn)
        if (term <= 0 || term > LONGEST_TERM_MS)
          throw new TenantsError('ERR_TENANTS_KEY_TERM', 'the key ends at once, or after more than a year')
        const expiresAt = new Date(clock.now() + term)
        const made = await insertKey(office, open, actor.id, { name: called, scopes: asked.texts, expiresAt })
        const about = { what: 'key', subject: actor.id, row: made.key.id } as const
        open.tell({ ...about, actor: actorOf(standing), before: null, after: made.key.scopes })
        return made
      }),
    list: (actor) =>
      look(tenantOfActor(actor), async (open) => {
        const { member } = await requireMember(office, open, actor)
        const all = await listKeys(open)
        return member.roles.includes(ADMINISTRATOR)
          ? all
          : all.filter(({ personId }) => personId === actor.id)
      }),
    rotate: (actor, id, overlap = DEFAULT_OVERLAP) =>
      change(tenantOfActor(actor), (open) => rotate(office, open, actor, id, overlap)),
    revoke: (actor, id) =>
      change(tenantOfActor(actor), async (open) => {
        const standing = await requireMember(office, open, actor)
        const key = requireKey(await listKeys(open), id)
        if (key.personId !== actor.id && !standing.member.roles.includes(ADMINISTRATOR)) throw noKey()
        await removeKey(open, key)
        const about = { what: 'key', subject: key.personId, row: id } as const
        open.tell({ ...about, actor: actorOf(standing), before: key.scopes, after: null })
      }),
    revokeAllOf: (personId) => revokeAllOf(office, personId),
    principalOf: (text, request) => principalOfKey(office, text, request?.address ?? null),
  }
}

async function rotate(
  office: Office,
  open: Change,
  actor: Principal,
  id: string,
  overlap: Duration,
): Promise<NewKey> {
  const now = office.clock.now()
  const standing = await requireMember(office, open, actor)
  const old = requireKey(await listKeys(open), id)
  if (old.personId !== actor.id || old.expiresAt.getTime() <= now) throw noKey()
  requireHeld(standing.permissions, PermissionSet.parse(old.scopes))
  const { name, scopes } = old
  const term = Math.min(old.expiresAt.getTime() - old.createdAt.getTime(), LONGEST_TERM_MS)
  const made = await insertKey(office, open, actor.id, { name, scopes, expiresAt: new Date(now + term) })
  const end = new Date(Math.min(now + parseDuration(overlap), old.expiresAt.getTime()))
  await open.db.updateTable('tenant_keys').set({ expiresAt: end }).where('id', '=', id).execute()
  const about = { what: 'key', subject: actor.id, actor: actorOf(standing) } as const
  open.tell({ ...about, row: made.key.id, before: null, after: scopes })
  const until = (time: Date): string[] => [...scopes, `until ${time.toISOString()}`]
  open.tell({ ...about, row: id, before: until(old.expiresAt), after: until(end) })
  return made
}

/** The account ended, which is nothing that a member of the tenant did. */
const ENDING = { kind: 'system', id: 'tenants.revoke-keys', tenant: null, roles: [] } as const

async function revokeAllOf({ db, change }: Office, personId: string): Promise<void> {
  if (!isId(personId)) return
  const keys = await db
    .selectFrom('tenant_keys')
    .select(['tenantId'])
    .where('personId', '=', personId)
    .execute()
  for (const tenant of new Set(keys.map(({ tenantId }) => tenantId))) {
    await change(tenant, async (open) => {
      for (const key of await listKeys(open)) {
        if (key.personId !== personId) continue
        await removeKey(open, key)
        const about = { what: 'key', subject: personId, row: key.id } as const
        open.tell({ ...about, actor: ENDING, before: key.scopes, after: null })
      }
    })
  }
}

export async function listKeys({ db, tenant }: Look): Promise<readonly ApiKey[]> {
  return db.selectFrom('tenant_keys').select(SHOWN).where('tenantId', '=', tenant).orderBy('id').execute()
}

export async function removeKey({ db }: Change, { id }: Pick<ApiKey, 'id'>): Promise<void> {
  await db.deleteFrom('tenant_keys').where('id', '=', id).execute()
}

function requireKey(keys: readonly ApiKey[], id: string): ApiKey {
  const key = isId(id) ? keys.find((each) => each.id === id) : undefined
  if (!key) throw noKey()
  return key
}

/** Also for somebody else's key: whether it exists is not told. */
function noKey(): Error {
  return missing('there is no such key')
}

async function insertKey(
  { keyPrefix }: Office,
  { db, tenant }: Change,
  personId: string,
  { name, scopes, expiresAt }: { name: string; scopes: readonly string[]; expiresAt: Date },
): Promise<NewKey> {
  const own = await db
    .selectFrom('tenant_keys')
    .select('id')
    .where('tenantId', '=', tenant)
    .where('personId', '=', personId)
    .execute()
  if (own.length >= MOST_KEYS)
    throw new TenantsError('ERR_TENANTS_TOO_MANY', `a person has at most ${MOST_KEYS} keys in a tenant`)
  const secret = createSecret()
  const key = await db
    .insertInto('tenant_keys')
    .values({
      personId,
      tenantId: tenant,
      name,
      scopes: [...scopes],
      secretHash: hashSecret(secret),
      expiresAt,
    })
    .returning(SHOWN)
    .executeTakeFirstOrThrow()
  return { key, text: formatKey({ prefix: keyPrefix, id: key.id, secret }) }
}

async function principalOfKey(
  office: Office,
  text: string,
  address: string | null,
): Promise<Principal | null> {
  const { db, keyPrefix, clock } = office
  const parsed = parseKey(text)
  if (parsed === null || parsed.prefix !== keyPrefix || !isId(parsed.id)) return null
  const key = await db
    .selectFrom('tenant_keys')
    .select([...SHOWN, 'tenantId', 'secretHash'])
    .where('id', '=', parsed.id)
    .executeTakeFirst()
  if (!key || !isSecretOf(parsed.secret, key.secretHash) || key.expiresAt.getTime() <= clock.now())
    return null
  const member = await findMember(db, key.tenantId, key.personId)
  if (!member || (await office.isSwitchedOff(key.personId))) return null
  await requireAddress(office, key.tenantId, address)
  const standing = await standingNow(office, member)
  if (!standing) return null
  await noteUse(office, 'tenant_keys', key)
  const who = { id: key.personId, tenant: key.tenantId, roles: [keyRole(key.id)] }
  return principalWith(who, standing.permissions.intersection(PermissionSet.parse(key.scopes)))
}
