import { z } from 'zod'
import { ScimError } from './errors.ts'

/** One change of one attribute, its path in lower case (RFC 7643 §2.1) and without the core schema's URN. */
export interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path: string
  readonly value: unknown
}

const MOST_OPERATIONS = 100

const patchBody = z.object({
  Operations: z
    .array(
      z.object({
        // Entra ID begins it with a capital.
        op: z
          .string()
          .toLowerCase()
          .pipe(z.enum(['add', 'replace', 'remove'])),
        path: z.string().max(500).optional(),
        value: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(MOST_OPERATIONS),
})

/**
 * What a PATCH asks for, attribute by attribute (RFC 7644 §3.5.2): an operation without a path is one for
 * each member of its value, whose names may be paths themselves, as Entra ID sends them.
 *
 * @throws ScimError `ERR_SCIM_PATH`, `ERR_SCIM_VALUE`
 */
export function parseOperations(body: unknown): Operation[] {
  const parsed = patchBody.safeParse(body)
  if (!parsed.success) throw new ScimError('ERR_SCIM_PATH', 'an operation is none that is supported here')
  return parsed.data.Operations.flatMap(({ op, path, value }): Operation[] => {
    if (path !== undefined) return [{ op, path: plainPath(path), value }]
    if (op === 'remove' || typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ScimError('ERR_SCIM_VALUE', 'an operation without a path has no object as its value')
    return Object.entries(value).map(([name, each]) => ({ op, path: plainPath(name), value: each }))
  })
}

/** Attribute names are case-insensitive; values inside a filter are not. */
function plainPath(path: string): string {
  const [name, ...filter] = path.split(/(?=\[)/)
  const plain = name!.toLowerCase().replace(/^urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):/, '')
  return [plain, ...filter].join('')
}

/** Older clients of Entra ID wrap a single value: `[{ "$ref": null, "value": … }]`. */
export function single(value: unknown): unknown {
  const [first] = Array.isArray(value) && value.length === 1 ? (value as unknown[]) : []
  const wrapped = typeof first === 'object' && first !== null && '$ref' in first && 'value' in first
  return wrapped && typeof first.value !== 'object' ? first.value : value
}
