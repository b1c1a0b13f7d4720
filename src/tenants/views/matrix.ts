import type { PermissionSet } from '../../access/index.ts'
import { ACTIONS, type Action, type ResourceMap, type Scope } from '../../declare/index.ts'
import { dataTable, disclosure, html, type Markup } from '../../ui/index.ts'
import { scopesOf } from '../rules.ts'
import { checkbox, fieldset } from './parts.ts'

export interface MatrixOptions {
  readonly caption: string
  /** Name of the ticked permissions in the form; the fields of each stand under its own text. */
  readonly name: string
  readonly resources: ResourceMap
  /** What can be given; the library refuses the rest in any case. */
  readonly offered: PermissionSet
  /** What is ticked. */
  readonly now: PermissionSet
}

/** One line of the matrix: rows of one resource. */
interface MatrixRow {
  readonly resource: string
  readonly scope: Scope
}

const WHOSE: Readonly<Record<Scope, string>> = {
  own: 'their own',
  tenant: 'everybody’s here',
  any: 'all',
}

/** Permissions to tick: by resource and whose rows, for each action, and perhaps for some fields only. */
export function permissionMatrix(options: MatrixOptions): Markup {
  return dataTable({
    caption: options.caption,
    rows: rowsOf(options),
    columns: [
      {
        header: 'Data',
        cell: ({ resource, scope }) => html`${resource}<br><small>${WHOSE[scope]}</small>`,
      },
      ...ACTIONS.map((action) => ({
        header: action,
        cell: (row: MatrixRow) => cellOf(options, row, action),
      })),
    ],
  })
}

function rowsOf({ resources, offered }: MatrixOptions): readonly MatrixRow[] {
  return Object.values(resources).flatMap((resource) =>
    scopesOf(resource)
      .filter((scope) =>
        ACTIONS.some((action) => offered.columns(resource.name, action, scope) !== undefined),
      )
      .map((scope) => ({ resource: resource.name, scope })),
  )
}

function cellOf(
  { name, resources, offered, now }: MatrixOptions,
  { resource, scope }: MatrixRow,
  action: Action,
): Markup | string {
  const columns = offered.columns(resource, action, scope)
  if (columns === undefined) return '–'
  const text = `${resource}:${action}:${scope}`
  const label = html`<span class="hidden-text">${action} ${resource}, ${WHOSE[scope]}</span>`
  const given = now.columns(resource, action, scope)
  const box = checkbox(name, text, label, given !== undefined)
  if (action === 'delete') return box
  const fields = columns === null ? Object.keys(resources[resource]!.fields) : [...columns]
  // Who holds only some fields can give no others: all of those are ticked to begin with.
  const ticked = given === undefined || given === null ? columns : given
  return html`<div class="permission">${box}${disclosure({
    summary: html`Only some fields<span class="hidden-text"> of ${resource}, ${WHOSE[scope]}, to ${action}</span>`,
    open: Boolean(given) || columns !== null,
    body: fieldset(
      html`<span class="hint">${columns === null ? 'None ticked: all of them' : 'You hold these'}</span>`,
      fields.map((field) => checkbox(text, field, field, ticked?.has(field) ?? false)),
    ),
  })}</div>`
}
