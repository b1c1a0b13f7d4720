import type { MarkedToken, Token, Tokens } from 'marked'
import { isSafeHref } from '../ui/index.ts'
import type { Catalogue } from './catalogue.ts'
import { decodeEntities } from './entities.ts'
import { PageError } from './errors.ts'
import { plainText, promiseKeys } from './page-tree.ts'
import type { Inline, PagePromise } from './page-tree.ts'
import { formatPromiseKey, parsePromiseTarget, PROMISE_SCHEME } from './promise-link.ts'
import { SourceLines } from './source-lines.ts'

/** Greatest length of a promised sentence, in UTF-16 code units. */
const MAX_SENTENCE = 1_000
/** Greatest nesting of emphasis and links. */
const MAX_DEPTH = 24

type PageCode = ConstructorParameters<typeof PageError>[0]

/** What remains of a promise link that Markdown did not take for one. */
const BROKEN_LINK = /\]\s*\(\s*<?promise:/i

/** Turns the lexer's inline tokens into page content and collects the promises in them. */
export class InlineParser {
  readonly lines: SourceLines
  readonly promises: PagePromise[] = []
  readonly #catalogue: Catalogue | null

  constructor(source: string, catalogue: Catalogue | null) {
    this.lines = new SourceLines(source)
    this.#catalogue = catalogue
  }

  /** @throws PageError for links, images and promises that a page may not carry */
  parse(tokens: readonly Token[], depth = 0): Inline[] {
    if (depth > MAX_DEPTH) throw new PageError('ERR_PAGE_SOURCE', 'emphasis is nested too deeply')
    return tokens.flatMap((token, index) => this.#inline(token, tokens[index - 1], depth))
  }

  /** Raw HTML as the text it is; comments are left out. */
  parseHtml(raw: string): Inline[] {
    const line = this.lines.locate(raw)
    const text = raw.replace(/<!--[\s\S]*?(?:-->|$)/g, '').trim()
    if (text.toLowerCase().includes(PROMISE_SCHEME))
      this.#refuse('ERR_PAGE_PROMISE_IN_HTML', line, 'a promise stands in HTML')
    return text === '' ? [] : [{ type: 'text', text, line }]
  }

  promisesIn(children: readonly Inline[]): number {
    return promiseKeys(children).length
  }

  #inline(token: Token, before: Token | undefined, depth: number): Inline[] {
    // The lexer runs without extensions, so its tokens are the ones that marked itself makes.
    const inline = token as MarkedToken
    switch (inline.type) {
      case 'text':
        return inline.tokens ? this.parse(inline.tokens, depth + 1) : [this.#text(inline, before)]
      case 'escape':
        return [{ type: 'text', text: inline.text, line: this.lines.locate(inline.raw) }]
      case 'codespan':
        return [{ type: 'code', text: inline.text, line: this.lines.locate(inline.raw) }]
      case 'strong':
        return [{ type: 'strong', children: this.parse(inline.tokens, depth + 1) }]
      case 'em':
        return [{ type: 'emphasis', children: this.parse(inline.tokens, depth + 1) }]
      case 'del':
        return [{ type: 'strike', children: this.parse(inline.tokens, depth + 1) }]
      case 'br':
        return [{ type: 'break' }]
      case 'html':
        return this.parseHtml(inline.raw)
      case 'checkbox':
        return [{ type: 'text', text: inline.checked ? '☑ ' : '☐ ', line: this.lines.lineHere() }]
      case 'image':
        return this.#refuse('ERR_PAGE_IMAGE', this.lines.locate(inline.raw), 'images are not shown')
      case 'link':
        return [this.#link(inline, depth)]
      default:
        return []
    }
  }

  #text(token: Tokens.Text | Tokens.Tag, before: Token | undefined): Inline {
    const line = this.lines.locate(token.raw)
    if (BROKEN_LINK.test(token.raw)) {
      const nested = before?.type === 'link' && /^[^[]*\]\s*\(/.test(token.raw)
      if (nested) this.#refuse('ERR_PAGE_PROMISE_NESTED', line, 'a link stands inside a promised sentence')
      this.#refuse('ERR_PAGE_PROMISE_SYNTAX', line, 'a promise link is malformed')
    }
    const gap = token.raw.length - token.raw.trimStart().length
    const skipped = token.raw.slice(0, gap).split('\n').length - 1
    return { type: 'text', text: decodeEntities(token.text), line: line - skipped }
  }

  #link(token: Tokens.Link, depth: number): Inline {
    const isPromise = token.href.toLowerCase().startsWith(PROMISE_SCHEME)
    const line = this.lines.locate(token.autolink ? token.raw : '[')
    if (isPromise) return this.#promise(token, line, depth)
    const href = token.href
    if (!isSafeHref(href) || href.startsWith('tel:'))
      this.#refuse('ERR_PAGE_LINK', line, 'a link target is not allowed')
    if (token.autolink)
      return {
        type: 'link',
        href,
        children: [{ type: 'text', text: token.text.replace(/^mailto:/, ''), line }],
      }
    return { type: 'link', href, children: this.parse(token.tokens, depth + 1) }
  }

  #promise(token: Tokens.Link, line: number, depth: number): Inline {
    const target =
      token.href.startsWith(PROMISE_SCHEME) && !token.autolink
        ? parsePromiseTarget(token.href)
        : 'it is not a [sentence](promise:…) link'
    if (typeof target === 'string')
      return this.#refuse('ERR_PAGE_PROMISE_SYNTAX', line, `a promise link is malformed: ${target}`)
    const children = this.parse(token.tokens, depth + 1)
    const sentence = plainText(children)
    if (sentence === '' || sentence.length > MAX_SENTENCE) {
      this.#refuse(
        'ERR_PAGE_PROMISE_EMPTY',
        line,
        `promise ${target.id} has no sentence of 1 to ${MAX_SENTENCE} characters`,
      )
    }
    if (children.some(holdsLink))
      this.#refuse('ERR_PAGE_PROMISE_NESTED', line, `promise ${target.id} holds another link`)
    this.#checkCatalogue(target.id, target.params, line)
    const key = formatPromiseKey(target)
    const earlier = this.promises.find((promise) => promise.key === key)
    if (earlier)
      this.#refuse('ERR_PAGE_PROMISE_DUPLICATE', line, `${key} stands on line ${earlier.line} already`)
    this.promises.push({ key, ...target, sentence, line })
    return { type: 'promise', key, children }
  }

  #checkCatalogue(id: string, params: Readonly<Record<string, string>>, line: number): void {
    if (!this.#catalogue) return
    const entry = this.#catalogue(id)
    if (!entry) this.#refuse('ERR_PAGE_PROMISE_UNKNOWN', line, `the catalogue has no promise ${id}`)
    const problem = entry?.checkParams(params) ?? null
    if (problem !== null) this.#refuse('ERR_PAGE_PROMISE_PARAMETER', line, `${id}: ${problem}`)
  }

  #refuse(code: PageCode, line: number, problem: string): never {
    throw new PageError(code, `line ${line}: ${problem}`)
  }
}

function holdsLink(child: Inline): boolean {
  if (child.type === 'link' || child.type === 'promise') return true
  return 'children' in child && child.children.some(holdsLink)
}
