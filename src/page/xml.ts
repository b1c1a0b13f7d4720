import { renderMarkup } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'

// oxlint-disable-next-line no-control-regex
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/**
 * An XML document of finished markup. What no XML may hold, escaped or not (XML 1.0 §2.2), becomes
 * U+FFFD, so that one such character in a sentence cannot make the whole document unreadable.
 */
export function xmlDocument(markup: Markup): string {
  const text = renderMarkup(markup).toWellFormed().replace(NOT_XML, '\ufffd')
  return `<?xml version="1.0" encoding="UTF-8"?>\n${text}\n`
}
