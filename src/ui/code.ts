import { html } from './markup.ts'
import type { Markup } from './markup.ts'

/** Code within a line; breaks anywhere rather than overflow. */
export function inlineCode(text: string): Markup {
  return html`<code>${text}</code>`
}

/** A block of code that scrolls sideways on its own and can be reached by keyboard. */
export function codeBlock(text: string, label: string): Markup {
  return html`<pre class="code-block" tabindex="0" role="region" aria-label="${label}"><code>${text}</code></pre>`
}

/** A command to copy: wraps, so that a phone shows all of it. */
export function command(text: string): Markup {
  return html`<pre class="command"><code>${text}</code></pre>`
}

/** A hash's first characters, with the whole in a tooltip. `shown` is their number, default 12. */
export function shortHash(hash: string, shown = 12): Markup {
  return html`<code class="hash" title="${hash}">${hash.length > shown ? `${hash.slice(0, shown)}…` : hash}</code>`
}
