import { Lexer } from 'marked'
import type { MarkedToken, Token, Tokens } from 'marked'
import { PageError } from './errors.ts'
import { InlineParser } from './parse-inline.ts'
import { plainText } from './page-tree.ts'
import type { Block, SecurityPage } from './page-tree.ts'
import type { Catalogue } from './catalogue.ts'

/** Greatest size of a security page, in UTF-16 code units. */
const MAX_SOURCE = 262_144
/** Greatest nesting of lists and quotes. */
const MAX_DEPTH = 24

/**
 * The page model of a `security.md`.
 *
 * Markdown only: raw HTML becomes text, images and unsafe links are refused. With a catalogue, promises
 * that it does not know or whose parameters it refuses are refused too. Messages name the line.
 * @throws PageError any `ERR_PAGE_*` but `ERR_PAGE_DISCLOSURE`
 */
export function parseSecurityPage(source: string, catalogue: Catalogue | null = null): SecurityPage {
  if (source.length > MAX_SOURCE || !source.isWellFormed()) {
    throw new PageError('ERR_PAGE_SOURCE', 'the security page is too large or is not well-formed text')
  }
  const text = source.replace(/\r\n?/g, '\n')
  const inline = new InlineParser(text, catalogue)
  const blocks = lex(text).flatMap((token) => {
    inline.lines.enterBlock(token.raw)
    return blocksOf(token, inline, 0)
  })
  const first = blocks[0]
  const titled = first?.type === 'heading' && first.depth === 1 && inline.promisesIn(first.children) === 0
  return {
    title: titled ? plainText(first.children) : null,
    blocks: titled ? blocks.slice(1) : blocks,
    promises: inline.promises,
  }
}

function lex(text: string): Token[] {
  try {
    return new Lexer({ gfm: true }).lex(text)
  } catch (cause) {
    throw new PageError('ERR_PAGE_SOURCE', 'the security page is nested too deeply to read', { cause })
  }
}

// The lexer runs without extensions, so its tokens are the ones that marked itself makes.
const builtIn = (token: Token): MarkedToken => token as MarkedToken

function blocksOf(token: Token, inline: InlineParser, depth: number): Block[] {
  if (depth > MAX_DEPTH) throw new PageError('ERR_PAGE_SOURCE', 'lists or quotes are nested too deeply')
  const block = builtIn(token)
  switch (block.type) {
    case 'heading':
      return [{ type: 'heading', depth: block.depth, children: inline.parse(block.tokens) }]
    case 'paragraph':
      return [{ type: 'paragraph', children: inline.parse(block.tokens) }]
    case 'text':
      return [{ type: 'paragraph', children: inline.parse(block.tokens ?? [block]) }]
    case 'html':
      return inline.parseHtml(block.raw).map((child) => ({ type: 'paragraph', children: [child] }))
    case 'code':
      return [{ type: 'code', text: block.text }]
    case 'blockquote':
      return [{ type: 'quote', blocks: block.tokens.flatMap((inner) => blocksOf(inner, inline, depth + 1)) }]
    case 'list':
      return [listOf(block, inline, depth)]
    case 'table':
      return [tableOf(block, inline)]
    case 'hr':
      return [{ type: 'rule' }]
    default:
      return []
  }
}

function listOf(list: Tokens.List, inline: InlineParser, depth: number): Block {
  const items = list.items.map((item) => item.tokens.flatMap((inner) => blocksOf(inner, inline, depth + 1)))
  return { type: 'list', start: list.ordered ? Number(list.start) : null, items }
}

function tableOf(table: Tokens.Table, inline: InlineParser): Block {
  const cells = (row: Tokens.TableCell[]) => row.map((cell) => inline.parse(cell.tokens))
  return { type: 'table', align: table.align, header: cells(table.header), rows: table.rows.map(cells) }
}
