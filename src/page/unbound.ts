import { plainText } from './page-tree.ts'
import type { Block, Inline, SecurityPage } from './page-tree.ts'

/** A sentence of the page that no promise stands behind. */
export interface UnboundSentence {
  readonly sentence: string
  /** Line in the source, from 1. */
  readonly line: number
}

/** A run of text of one kind. */
interface Run {
  readonly text: string
  readonly line: number
  readonly kind: 'plain' | 'link' | 'promise'
}

/**
 * The sentences in paragraphs and list items, and the table rows, that carry no promise, in page order. Left
 * out: headings, table headers, code blocks, and paragraphs or items that are nothing but links.
 */
export function findUnbound(page: SecurityPage): UnboundSentence[] {
  return page.blocks.flatMap(unboundIn)
}

function unboundIn(block: Block): UnboundSentence[] {
  switch (block.type) {
    case 'paragraph':
      return unboundSentences(runsOf(block.children, 'plain'))
    case 'quote':
      return block.blocks.flatMap(unboundIn)
    case 'list':
      return block.items.flat().flatMap(unboundIn)
    case 'table':
      return block.rows.flatMap(unboundRow)
    default:
      return []
  }
}

function runsOf(children: readonly Inline[], kind: Run['kind']): Run[] {
  return children.flatMap((child) => {
    if (child.type === 'break') return [{ text: '\n', line: 0, kind }]
    if (child.type === 'text' || child.type === 'code') return [{ text: child.text, line: child.line, kind }]
    return runsOf(child.children, child.type === 'link' || child.type === 'promise' ? child.type : kind)
  })
}

// A row reads as one statement: a promise in any of its cells covers it.
function unboundRow(cells: readonly (readonly Inline[])[]): UnboundSentence[] {
  const runs = cells.map((cell) => runsOf(cell, 'plain'))
  const text = cells.map(plainText).filter(hasWord).join(' · ')
  const bound = runs.flat().some((run) => run.kind === 'promise')
  if (bound || runs.flat().every((run) => run.kind === 'link' || !hasWord(run.text))) return []
  return [{ sentence: text, line: runs.flat()[0]?.line ?? 1 }]
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
const hasWord = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

function unboundSentences(runs: readonly Run[]): UnboundSentence[] {
  if (runs.every((run) => run.kind === 'link' || !hasWord(run.text))) return []
  // A line break is a space to the reader, while the segmenter would end a sentence there.
  const text = runs.map((run) => run.text.replace(/\s/g, ' ')).join('')
  return [...sentences.segment(text)]
    .filter(({ segment }) => hasWord(segment))
    .filter(({ segment, index }) => !overlapsPromise(runs, index, index + segment.trimEnd().length))
    .map(({ segment, index }) => ({
      sentence: segment.replace(/\s+/g, ' ').trim(),
      line: lineAt(runs, index + segment.length - segment.trimStart().length),
    }))
}

function overlapsPromise(runs: readonly Run[], from: number, until: number): boolean {
  let at = 0
  return runs.some((run) => {
    const start = at
    at += run.text.length
    return run.kind === 'promise' && start < until && at > from
  })
}

function lineAt(runs: readonly Run[], offset: number): number {
  let at = 0
  for (const run of runs) {
    if (offset < at + run.text.length)
      return run.line + (run.text.slice(0, offset - at).split('\n').length - 1)
    at += run.text.length
  }
  return runs.at(-1)?.line ?? 1
}
