import type { ColumnType } from 'kysely'
import type { FieldValue, Field } from './field.ts'
import type { FieldMap, Resource } from './resource.ts'

type Column<F> =
  F extends Field<infer Value, infer Optional>
    ? true extends Optional
      ? ColumnType<Value | null, Value | null | undefined, Value | null>
      : ColumnType<Value, Value, Value>
    : never

/** The row type of one resource for the query builder: fields, plus `id` and `createdAt`, which nobody writes. */
export type TableOf<R extends Resource> = { [Name in keyof R['fields']]: Column<R['fields'][Name]> } & {
  id: ColumnType<string, never, never>
  createdAt: ColumnType<Date, never, never>
}

/** All tables of a data map. */
export type TablesOf<Resources extends { readonly [name: string]: Resource }> = {
  [Name in keyof Resources]: TableOf<Resources[Name]>
}

/** A row as application code reads it. */
export type RowOf<R extends Resource> =
  R extends Resource<string, infer Fields> ? { id: string; createdAt: Date } & RowFields<Fields> : never

type RowFields<Fields extends FieldMap> = { [Name in keyof Fields]: FieldValue<Fields[Name]> }
