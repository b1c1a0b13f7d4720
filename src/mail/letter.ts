import type { MailMessage } from '../declare/index.ts'

export interface LetterDraft {
  readonly to: string
  readonly subject: string
  /** Sentences of our own and links to this site: nothing that a stranger has typed. */
  readonly paragraphs: readonly string[]
  /** Who writes: the product, and its public address. */
  readonly from: { readonly name: string; readonly url: string }
}

/** A plain letter: paragraphs, then who wrote it. */
export function letter({ to, subject, paragraphs, from }: LetterDraft): MailMessage {
  const text = [...paragraphs, `${from.name}\n${from.url}`].join('\n\n')
  return { to, subject: oneLine(subject), text: `${text}\n` }
}

/** A line break in a header would begin another one (RFC 5322 §2.2). */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim()
}
