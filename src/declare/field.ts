/** The kinds of field a resource can declare. */
export type FieldKind =
  | 'id'
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'choice'
  | 'list'
  | 'json'
  | 'bytes'

/**
 * How equality on a sealed field is served: `'blind'` is an HMAC under a key of its own per tenant
 * and field; `'blind-installation'` one key per installation, for look-ups that come before the
 * tenant is known (sign-in, API keys).
 */
export type FieldIndex = 'blind' | 'blind-installation'

/** One declared field: data only. `Value` is the TypeScript type of its values and exists in types alone. */
export interface Field<Value = unknown, Optional extends boolean = boolean> {
  readonly kind: FieldKind
  /** What the field holds, in words for the public data list. */
  readonly description: string
  /** Why the field is stored in the clear; null means it is sealed (where the resource seals). */
  readonly clear: string | null
  readonly optional: Optional
  readonly index: FieldIndex | null
  /** The subject that the field is about, by its id field, where a row has several; null: about all, or the only one. */
  readonly about: string | null
  /** Greatest length: UTF-16 code units of a text, items of a list, bytes of `bytes` or of `json`'s text. */
  readonly max: number | null
  /** Least and greatest value of an `integer` or `number`. */
  readonly range: { readonly min: number; readonly max: number } | null
  /** The values of a `choice`. */
  readonly choices: readonly string[] | null
  /** Greatest length of each item of a `list`, in UTF-16 code units. */
  readonly itemMax: number | null
  /** Never set; carries the value's type. */
  readonly __value?: Value
}

/** A field's value as application code sees it. */
export type FieldValue<F> =
  F extends Field<infer Value, infer Optional> ? (true extends Optional ? Value | null : Value) : never
