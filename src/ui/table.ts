import { html } from './markup.ts'
import type { Child, Markup } from './markup.ts'

export interface Column<Row> {
  readonly header: string
  readonly cell: (row: Row) => Child
  /** `number` aligns right with figures of one width. Default `text`. */
  readonly align?: 'text' | 'number'
}

export interface TableOptions<Row> {
  /** Says what the table holds; shown above it unless `hideCaption`. */
  readonly caption: string
  readonly hideCaption?: boolean
  /** The first column heads its row. */
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
}

// Roles are written out: a phone's layout sets `display: block`, which drops the table semantics in some browsers.
function cellOf<Row>(column: Column<Row>, row: Row, first: boolean): Markup {
  const align = column.align === 'number' ? html` class="number"` : null
  const content = html`<div dir="auto">${column.cell(row)}</div>`
  return first
    ? html`<th scope="row" role="rowheader"${align}>${content}</th>`
    : html`<td role="cell" data-label="${column.header}"${align}>${content}</td>`
}

/** A table on a wide screen, a card per row on a phone. */
export function dataTable<Row>(options: TableOptions<Row>): Markup {
  const { columns } = options
  return html`<table class="data-table" role="table"><caption${
    options.hideCaption ? html` class="hidden-text"` : null
  }>${options.caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(
    (column) =>
      html`<th scope="col" role="columnheader"${column.align === 'number' ? html` class="number"` : null}>${column.header}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${options.rows.map(
    (row) => html`<tr role="row">${columns.map((column, index) => cellOf(column, row, index === 0))}</tr>`,
  )}</tbody></table>`
}
