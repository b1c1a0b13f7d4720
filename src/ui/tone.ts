import { html, trusted } from './markup.ts'
import type { Markup } from './markup.ts'

/** The meaning of a colour; every use carries a word or a glyph too. */
export type Tone = 'good' | 'bad' | 'unsure' | 'neutral'

const GLYPHS: Readonly<Record<Tone, string>> = {
  good: '<path d="M3.5 8.5l3 3 6-7"/>',
  bad: '<path d="M4 4l8 8M12 4l-8 8"/>',
  unsure: '<path d="M5.6 6.1a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1.1.8-1.1 1.6"/><path d="M8 12.4v.1"/>',
  neutral: '<path d="M4 8h8"/>',
}

/** The tone's sign, drawn in the current colour; hidden from screen readers, a word stands beside it. */
export function glyph(tone: Tone): Markup {
  return html`<svg class="glyph" viewBox="0 0 16 16" aria-hidden="true">${trusted(GLYPHS[tone])}</svg>`
}

/** The shapes of the tone's sign on a field of 16 by 16, for an SVG that brings its own stroke. */
export function glyphShape(tone: Tone): Markup {
  return trusted(GLYPHS[tone])
}

/** A short status word with its sign: "Kept", "Broken". */
export function badge(tone: Tone, word: string): Markup {
  return html`<span class="badge tone-${tone}">${glyph(tone)}${word}</span>`
}

/** Text that only screen readers get. */
export function hiddenText(text: string): Markup {
  return html`<span class="hidden-text">${text}</span>`
}
