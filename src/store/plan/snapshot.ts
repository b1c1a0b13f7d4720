import { canonicalJson } from '../../kernel/index.ts'
import type { Field, Resource } from '../../declare/index.ts'

type Values = Readonly<Record<string, unknown>>

/**
 * A row's members as they are now. A caller that changes its date, bytes or JSON afterwards changes
 * neither what was validated nor what is sealed: both must be what is stored.
 */
export function snapshot(resource: Resource, values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const field = Object.hasOwn(resource.fields, name) ? resource.fields[name]! : null
      return [name, field ? copy(field, value) : value]
    }),
  )
}

/** What cannot be copied is left for validation to refuse. */
function copy({ kind }: Field, value: unknown): unknown {
  if (kind === 'timestamp') return value instanceof Date ? new Date(value.getTime()) : value
  if (kind === 'bytes') return value instanceof Uint8Array ? Buffer.from(value) : value
  return kind === 'json' ? copyJson(value) : value
}

/** By way of the canonical text, which knows no `toJSON`: what is stored is what was measured. */
function copyJson(value: unknown): unknown {
  let text: string
  try {
    text = canonicalJson(value)
  } catch {
    return value
  }
  return JSON.parse(text)
}
