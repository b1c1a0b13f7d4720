import { isId } from '../kernel/index.ts'
import { frame } from './frame.ts'
import { digestOfClear, type RowLayout } from './row-layout.ts'
import type { RowContext } from './seal-row.ts'

/** Bytes of an envelope's header. */
export const HEADER_BYTES = 20

const DIGEST_BYTES = 32
const ID_BYTES = 36
const ANY_ID = '0'.repeat(ID_BYTES)
const LABEL = 'surety/row/1'
const LABEL_OF_SEVERAL = 'surety/row/2'

/** The ids among the parts that name a row's place, as they stand there: tenant, row, subject. */
type Ids = readonly [tenant: string, row: string, subject: string]

/** What is authenticated beside every row of one layout, with room for header, ids and digest. */
interface Form {
  readonly bytes: Buffer
  /** What stands in it now: rows in turn are mostly of one tenant and subject. */
  readonly ids: string[]
  /** Where the ids of {@link Ids} stand; null where a part is always empty. */
  readonly idsAt: readonly [tenant: number | null, row: number, subject: number | null]
}

const forms = new WeakMap<RowLayout, Form>()

/**
 * What an envelope authenticates beside its ciphertext, as `seal-row.ts` lays it out. The bytes are good
 * until the next call: whoever needs them longer copies them.
 */
export function associated(header: Uint8Array, context: RowContext, layout: RowLayout): Buffer {
  const { clear, about = null, resource } = context
  const subject = about ?? resource.subject
  const ids: Ids = [idIn(clear, layout.tenant), idIn(clear, 'id'), idIn(clear, subject)]
  const bytes = filledForm(layout, context, ids) ?? unformed(context, ids)
  bytes.set(header)
  bytes.write(digestOfClear(layout, clear), bytes.length - DIGEST_BYTES, 'hex')
  return bytes
}

/** The text of an id column; empty where the row or the resource has none. */
export function idIn(clear: Readonly<Record<string, unknown>>, column: string | null): string {
  const value = column === null ? null : clear[column]
  return typeof value === 'string' ? value : ''
}

/** The form of the layout with these ids; null where one of them does not fit into it. */
function filledForm(layout: RowLayout, context: RowContext, ids: Ids): Buffer | null {
  let form = forms.get(layout)
  if (form === undefined) forms.set(layout, (form = createForm(layout, context)))
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    if (id === form.ids[i]) continue
    const at = form.idsAt[i] ?? null
    if (at === null || !isId(id)) return null
    form.bytes.write(id, at, 'latin1')
    form.ids[i] = id
  }
  return form.bytes
}

function createForm({ tenant }: RowLayout, context: RowContext): Form {
  const { about = null, resource } = context
  const column = about ?? resource.subject
  const ids: [...Ids] = [tenant === null ? '' : ANY_ID, ANY_ID, column === null ? '' : ANY_ID]
  const bytes = unformed(context, ids)
  const tenantAt = HEADER_BYTES + frame(labelOf(context), '').length
  const end = bytes.length - DIGEST_BYTES
  return {
    bytes,
    ids,
    idsAt: [
      tenant === null ? null : tenantAt,
      tenantAt + (tenant === null ? 0 : ID_BYTES) + frame(resource.name, '').length,
      column === null ? null : end - ID_BYTES,
    ],
  }
}

/** All the bytes in their places, but for header and digest. */
function unformed(context: RowContext, [tenant, row, subject]: Ids): Buffer {
  const { about = null, resource } = context
  const whose = about === null ? [subject] : [about, subject]
  const place = frame(labelOf(context), tenant, resource.name, row, ...whose)
  const bytes = Buffer.alloc(HEADER_BYTES + place.length + DIGEST_BYTES)
  bytes.set(place, HEADER_BYTES)
  return bytes
}

function labelOf({ about = null }: RowContext): string {
  return about === null ? LABEL : LABEL_OF_SEVERAL
}
