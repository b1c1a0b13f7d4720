import { isDuration } from '../kernel/index.ts'
import type { ResourceMap, SuretyConfig } from './config.ts'
import { parsePermission } from './define-permission.ts'
import { checkDefinition, type DefinitionCheck } from './definition.ts'
import { checkKeyProvider } from './key-provider.ts'
import type { PermissionText } from './permission.ts'
import type { Resource } from './resource.ts'

const KEYS = [
  'name',
  'origin',
  'page',
  'resources',
  'roles',
  'backups',
  'keys',
  'disclosure',
  'requestInputs',
  'canary',
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
  return Object.freeze({ ...config })
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
  const { scope } = permission
  const bound =
    scope === 'any' || (scope === 'own' ? target.subject : (target.tenant ?? target.subject)) !== null
  check.that(
    bound,
    key,
    `grants ${text}, but ${target.name} has no ${scope === 'own' ? 'subject' : 'tenant'}`,
    'use another scope',
  )
}

function checkDurations(check: DefinitionCheck, { backups, keys }: SuretyConfig): void {
  for (const [group, members] of Object.entries({ backups, keys })) {
    for (const [name, value] of Object.entries(members ?? {})) {
      if (name === 'provider') continue
      check.that(
        isDuration(String(value)),
        `${group}.${name}`,
        'is not a duration',
        "write a duration such as '6h'",
      )
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
