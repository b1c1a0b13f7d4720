/** Inline content of a security page. `line` is the line in the source, from 1. */
export type Inline =
  | { readonly type: 'text'; readonly text: string; readonly line: number }
  | { readonly type: 'code'; readonly text: string; readonly line: number }
  | { readonly type: 'strong' | 'emphasis' | 'strike'; readonly children: readonly Inline[] }
  | { readonly type: 'link'; readonly href: string; readonly children: readonly Inline[] }
  | { readonly type: 'promise'; readonly key: string; readonly children: readonly Inline[] }
  | { readonly type: 'break' }

export type Align = 'left' | 'right' | 'center' | null

/** Block content of a security page. */
export type Block =
  | { readonly type: 'heading'; readonly depth: number; readonly children: readonly Inline[] }
  | { readonly type: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly type: 'list'
      /** Number of the first item, or null for bullets. */
      readonly start: number | null
      readonly items: readonly (readonly Block[])[]
    }
  | {
      readonly type: 'table'
      readonly align: readonly Align[]
      readonly header: readonly (readonly Inline[])[]
      readonly rows: readonly (readonly (readonly Inline[])[])[]
    }
  | { readonly type: 'rule' }

/** One promised sentence. */
export interface PagePromise {
  readonly key: string
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  /** The sentence as plain text, white space collapsed. */
  readonly sentence: string
  readonly line: number
}

/** A parsed security page. */
export interface SecurityPage {
  /** The text of a first heading of depth 1, which then is not among the blocks. */
  readonly title: string | null
  readonly blocks: readonly Block[]
  /** In the order of the page. */
  readonly promises: readonly PagePromise[]
}

/** Plain text of inline content, white space collapsed. */
export function plainText(children: readonly Inline[]): string {
  return rawText(children).replace(/\s+/g, ' ').trim()
}

function rawText(children: readonly Inline[]): string {
  return children
    .map((child) => {
      if (child.type === 'break') return ' '
      return child.type === 'text' || child.type === 'code' ? child.text : rawText(child.children)
    })
    .join('')
}

/** Keys of the promises in inline content, in order. */
export function promiseKeys(children: readonly Inline[]): string[] {
  return children.flatMap((child) => {
    if (child.type === 'promise') return [child.key]
    return 'children' in child ? promiseKeys(child.children) : []
  })
}
