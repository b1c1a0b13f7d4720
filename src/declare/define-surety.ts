import { isDuration, parseDuration } from '../kernel/index.ts'
import { parseWitnessKey, VerifyError } from '../verify/index.ts'
import { tenantColumn } from './columns.ts'
import type { ProxySettings, ResourceMap, SuretyConfig, WitnessConfig } from './config.ts'
import { parsePermission } from './define-permission.ts'
import { checkDefinition, type DefinitionCheck } from './definition.ts'
import { checkStaff } from './define-staff.ts'
import { checkKeyProvider } from './key-provider.ts'
import { checkMail } from './mail.ts'
import type { PermissionText } from './permission.ts'
import type { Resource } from './resource.ts'
import { checkSignIn } from './sign-in.ts'

const KEYS = [
  'name',
  'origin',
  'page',
  'resources',
  'roles',
  'backups',
  'keys',
  'erasure',
  'disclosure',
  'requestInputs',
  'canary',
  'signIn',
  'identify',
  'proxies',
  'witnesses',
  'staff',
  'mail',
]

/**
 * Checks and freezes the configuration of one system.
 *
 * @throws DeclareError `ERR_DECLARE_CONFIG` or `ERR_DECLARE_PERMISSION`, naming the key and the mend
 */
export function defineSurety<const Resources extends ResourceMap>(
  config: SuretyConfig<Resources>,
): SuretyConfig<Resources> {
  const check: DefinitionCheck = checkDefinition('ERR_DECLARE_CONFIG', 'surety.config')
  check.onlyKnown(config, KEYS)
  check.words(config.name, 'name', 'give the name people know your product by')
  // The origin becomes a note key name: no white space, no plus (C2SP signed-note).
  const origin = typeof config.origin === 'string' && /^[a-z0-9.-]+(\/[A-Za-z0-9._-]+)*$/.test(config.origin)
  check.that(
    origin,
    'origin',
    'is not a host name with an optional path',
    "write it without scheme and port, such as 'codetime.example'",
  )
  const page = config.page instanceof URL || (typeof config.page === 'string' && config.page.length > 0)
  check.that(
    page,
    'page',
    'is neither a path nor a file URL',
    "use page: new URL('./security.md', import.meta.url)",
  )
  checkResources(check, config.resources)
  checkRoles(check, config)
  checkDurations(check, config)
  if (config.keys) checkKeyProvider(check, config.keys)
  if (config.disclosure) checkContacts(check, config.disclosure.contact)
  checkSignIn(check, config)
  if (config.proxies) checkProxies(check, config.proxies)
  checkWitnesses(check, config.witnesses ?? [])
  if (config.staff) checkStaff(check, config, config.staff)
  if (config.mail) checkMail(check, config.mail)
  return Object.freeze({ ...config })
}

function checkProxies(check: DefinitionCheck, { addresses, header, ...unknown }: ProxySettings): void {
  check.onlyKnown(unknown, [])
  const listed = Array.isArray(addresses) && addresses.length > 0
  const readable = listed && addresses.every((address) => /^[0-9a-f:.]+(\/\d{1,3})?$/i.test(address))
  check.that(readable, 'proxies.addresses', 'lists no addresses', "write addresses such as ['127.0.0.1/32']")
  const known = header === undefined || header === 'x-forwarded-for' || header === 'forwarded'
  check.that(known, 'proxies.header', 'is not a known header', "use 'x-forwarded-for' or 'forwarded'")
}

function checkResources(check: DefinitionCheck, resources: ResourceMap): void {
  check.that(
    Object.keys(resources ?? {}).length > 0,
    'resources',
    'is empty',
    'list what resource(…) returned',
  )
  for (const [key, { name }] of Object.entries(resources)) {
    check.that(
      key === name,
      `resources.${key}`,
      `is the resource named ${JSON.stringify(name)}`,
      `list it under ${JSON.stringify(name)}`,
    )
  }
}

function checkRoles(check: DefinitionCheck, { roles, resources }: SuretyConfig): void {
  for (const [role, permissions] of Object.entries(roles ?? {})) {
    const key = `roles.${role}`
    check.that(
      /^[a-z][a-z0-9-]{0,39}$/.test(role),
      key,
      'is not a role name',
      'use lower-case letters, digits and hyphens',
    )
    for (const text of permissions) checkPermission(check, key, text, resources)
  }
}

function checkPermission(
  check: DefinitionCheck,
  key: string,
  text: PermissionText,
  resources: ResourceMap,
): void {
  const permission = parsePermission(text)
  const target: Resource | undefined = resources[permission.resource]
  check.that(
    target !== undefined,
    key,
    `names the unknown resource ${JSON.stringify(permission.resource)}`,
    'declare it under resources',
  )
  const { scope, columns } = permission
  const unknown = columns?.find((name) => !Object.hasOwn(target.fields, name))
  check.that(
    unknown === undefined,
    key,
    `grants ${text}, but ${target.name} has no field ${JSON.stringify(unknown)}`,
    'list declared fields; id and createdAt come with every permission to read',
  )
  const bound =
    scope === 'any' || (scope === 'own' ? target.subjects.length > 0 : tenantColumn(target) !== null)
  check.that(
    bound,
    key,
    `grants ${text}, but ${target.name} has no ${scope === 'own' ? 'subject' : 'tenant'}`,
    'use another scope',
  )
}

/** The durations of each group of the configuration. */
const DURATIONS = {
  backups: ['every', 'keep'],
  keys: [
    'liveEpoch',
    'backupEpoch',
    'rewrap',
    'retries',
    'providerWait',
    'copies',
    'clockError',
    'timeout',
    'outage',
  ],
  erasure: ['deleteKeyWithin'],
} as const satisfies Partial<Record<keyof SuretyConfig, readonly string[]>>
/** What may not be nothing: a period of no length never ends. */
const PERIODS = new Set(['backups.every', 'keys.liveEpoch', 'keys.backupEpoch', 'keys.clockError'])

function checkDurations(check: DefinitionCheck, config: SuretyConfig): void {
  for (const [group, known] of Object.entries(DURATIONS)) {
    const members = Object.entries(config[group as keyof typeof DURATIONS] ?? {})
    for (const [name, value] of members) {
      const key = `${group}.${name}`
      if (key === 'keys.provider') continue
      check.that(
        (known as readonly string[]).includes(name),
        key,
        'is not a known key',
        `use one of: ${known.join(', ')}`,
      )
      check.that(isDuration(String(value)), key, 'is not a duration', "write a duration such as '6h'")
      check.that(!PERIODS.has(key) || parseDuration(value) > 0, key, 'is nothing', "write one such as '6h'")
    }
  }
}

function checkContacts(check: DefinitionCheck, contacts: readonly string[]): void {
  check.that(contacts.length > 0, 'disclosure.contact', 'is empty', 'give at least one contact')
  for (const contact of contacts) {
    const uri = /^(mailto:|https:\/\/|tel:)\S+$/.test(contact)
    check.that(
      uri,
      'disclosure.contact',
      'is not a contact URI (RFC 9116 §2.5.3)',
      'begin it with mailto:, https:// or tel:',
    )
  }
}

/** Cosignatures served with one checkpoint: readers of notes need accept 16 signatures, the log's among them. */
const MAX_WITNESSES = 15

function checkWitnesses(check: DefinitionCheck, witnesses: readonly WitnessConfig[]): void {
  check.that(witnesses.length <= MAX_WITNESSES, 'witnesses', 'are too many', `list at most ${MAX_WITNESSES}`)
  for (const [i, witness] of witnesses.entries()) {
    const key = `witnesses[${i}]`
    check.onlyKnown(witness, ['url', 'vkey'])
    check.that(
      isWitnessUrl(witness.url),
      `${key}.url`,
      'is not an https address',
      "write url: 'https://witness.example/', or http on this machine",
    )
    check.that(
      isWitnessKey(witness.vkey),
      `${key}.vkey`,
      'is not the key of a witness',
      'copy the key that surety witness prints',
    )
    const twice = witnesses.findIndex(({ vkey }) => vkey === witness.vkey) !== i
    check.that(!twice, `${key}.vkey`, 'is listed twice', 'list each witness once')
  }
}

function isWitnessUrl(text: string): boolean {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (!url || url.username !== '' || url.search !== '' || url.hash !== '') return false
  const local = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && local)
}

function isWitnessKey(text: string): boolean {
  try {
    return typeof text === 'string' && parseWitnessKey(text).name.length > 0
  } catch (error) {
    if (error instanceof VerifyError) return false
    throw error
  }
}
