import { codeBlock, glyph, hiddenText, html, link } from '../ui/index.ts'
import type { Child, Markup } from '../ui/index.ts'
import type { PageModel, PromiseView } from './model.ts'
import type { Align, Block, Inline } from './page-tree.ts'
import { plainText, promiseKeys } from './page-tree.ts'
import { promiseCard } from './promise-card.ts'
import { STATUS_TONE, STATUS_WORD } from './words.ts'

/** The page's own text with every promise marked in place and its card below the block it stands in. */
export function prose(model: PageModel): Markup {
  return html`<article class="prose">${model.page.blocks.map((block) => blockMarkup(block, model))}</article>`
}

function blockMarkup(block: Block, model: PageModel): Child {
  switch (block.type) {
    case 'heading':
      return [heading(block.depth, inlineMarkup(block.children, model)), cards(block.children, model)]
    case 'paragraph':
      return [html`<p dir="auto">${inlineMarkup(block.children, model)}</p>`, cards(block.children, model)]
    case 'code':
      return codeBlock(block.text, 'Code')
    case 'quote':
      return html`<blockquote>${block.blocks.map((inner) => blockMarkup(inner, model))}</blockquote>`
    case 'list':
      return listMarkup(block, model)
    case 'table':
      return tableMarkup(block, model)
    case 'rule':
      return html`<hr>`
  }
}

// The page's title is the only h1, so a heading of depth 1 in the text becomes an h2.
function heading(depth: number, content: Child): Markup {
  if (depth <= 2) return html`<h2 dir="auto">${content}</h2>`
  return depth === 3 ? html`<h3 dir="auto">${content}</h3>` : html`<h4 dir="auto">${content}</h4>`
}

function listMarkup(list: Extract<Block, { type: 'list' }>, model: PageModel): Markup {
  const items = list.items.map(
    (item) => html`<li dir="auto">${item.map((block) => blockMarkup(block, model))}</li>`,
  )
  return list.start === null ? html`<ul>${items}</ul>` : html`<ol start="${list.start}">${items}</ol>`
}

function tableMarkup(table: Extract<Block, { type: 'table' }>, model: PageModel): Child {
  const number = (align: Align | undefined): Child => (align === 'right' ? html` class="number"` : null)
  const heads = table.header.map(
    (cell, index) =>
      html`<th scope="col" role="columnheader"${number(table.align[index])}>${inlineMarkup(cell, model)}</th>`,
  )
  const row = (cells: readonly (readonly Inline[])[]): Markup =>
    html`<tr role="row">${cells.map((cell, index) => {
      const content = html`<div dir="auto">${inlineMarkup(cell, model)}</div>`
      return index === 0
        ? html`<th scope="row" role="rowheader">${content}</th>`
        : html`<td role="cell" data-label="${plainText(table.header[index] ?? [])}"${number(table.align[index])}>${content}</td>`
    })}</tr>`
  return [
    html`<table class="data-table" role="table"><thead role="rowgroup"><tr role="row">${heads}</tr></thead><tbody role="rowgroup">${table.rows.map(row)}</tbody></table>`,
    [...table.header, ...table.rows.flat()].map((cell) => cards(cell, model)),
  ]
}

function inlineMarkup(children: readonly Inline[], model: PageModel): Child[] {
  return children.map((child) => {
    switch (child.type) {
      case 'text':
        return child.text
      case 'code':
        return html`<code>${child.text}</code>`
      case 'strong':
        return html`<strong>${inlineMarkup(child.children, model)}</strong>`
      case 'emphasis':
        return html`<em>${inlineMarkup(child.children, model)}</em>`
      case 'strike':
        return html`<s>${inlineMarkup(child.children, model)}</s>`
      case 'link':
        return link(child.href, inlineMarkup(child.children, model))
      case 'promise':
        return promiseMark(model.promises.get(child.key), inlineMarkup(child.children, model))
      case 'break':
        return html`<br>`
    }
  })
}

function promiseMark(view: PromiseView | undefined, content: Child): Child {
  if (!view) return content
  const tone = STATUS_TONE[view.status]
  return html`<span class="promise is-${tone}">${glyph(tone)}${content}${hiddenText(` (${STATUS_WORD[view.status].toLowerCase()})`)}</span>`
}

function cards(children: readonly Inline[], model: PageModel): Child {
  const views = promiseKeys(children).flatMap((key) => model.promises.get(key) ?? [])
  if (views.length === 0) return null
  return html`<div class="proofs">${views.map((view) => promiseCard(view, model.generatedAt, views.length > 1))}</div>`
}
