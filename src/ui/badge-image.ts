import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { glyphShape } from './tone.ts'
import type { Tone } from './tone.ts'
import { light } from './tokens.ts'

export interface BadgeImageOptions {
  /** What the badge is about; cut after 44 characters. */
  readonly label: string
  readonly tone: Tone
  /** How it stands: `Kept since 22 Nov 2026`. */
  readonly words: string
  /** The whole message: name of the picture for screen readers, and its tooltip. */
  readonly title: string
  /** Machine-readable text inside the picture. */
  readonly metadata: string
}

/** Longest label, in characters. */
const MAX_LABEL = 44
const HEIGHT = 24
const PADDING = 9
const GLYPH = 12

const GROUNDS: Readonly<Record<Tone, readonly [ink: string, ground: string]>> = {
  good: [light.good, light.goodGround],
  bad: [light.bad, light.badGround],
  unsure: [light.unsure, light.unsureGround],
  neutral: [light.muted, light.surface],
}

/**
 * A badge as an SVG document that needs nothing else: no style sheet, font, script or link, so it looks
 * the same under every policy. It brings its own light ground and border, and reads on any page.
 */
export function badgeImage(options: BadgeImageOptions): Markup {
  const label = shortened(options.label)
  const [labelText, wordsText] = [textWidth(label), textWidth(options.words)]
  const split = labelText + 2 * PADDING
  const width = split + PADDING + GLYPH + 4 + wordsText + PADDING
  const [ink, ground] = GROUNDS[options.tone]
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-labelledby="t">
<title id="t">${options.title}</title>
<metadata>${options.metadata}</metadata>
<rect x="0.5" y="0.5" width="${width - 1}" height="${HEIGHT - 1}" rx="4" fill="${ground}"/>
<path d="M${split} 0.5H4.5a4 4 0 0 0-4 4v15a4 4 0 0 0 4 4H${split}z" fill="${light.sunken}"/>
<rect x="0.5" y="0.5" width="${width - 1}" height="${HEIGHT - 1}" rx="4" fill="none" stroke="${light.edge}"/>
<g transform="translate(${split + PADDING} 6) scale(0.75)" fill="none" stroke="${ink}" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">${glyphShape(options.tone)}</g>
<g font-family="system-ui, sans-serif" font-size="12" text-anchor="middle">
${line(label, PADDING, labelText, light.text)}
${line(options.words, width - PADDING - wordsText, wordsText, ink)}
</g>
</svg>`
}

// The length is given, so that the text fits its field whatever font the viewer has.
function line(text: string, x: number, width: number, ink: string): Markup {
  return html`<text x="${x + width / 2}" y="16" textLength="${width}" lengthAdjust="spacingAndGlyphs" fill="${ink}">${text}</text>`
}

function shortened(text: string): string {
  const characters = Array.from(text)
  return characters.length <= MAX_LABEL ? text : `${characters.slice(0, MAX_LABEL - 1).join('')}…`
}

/** Pixels at 12 px of a usual sans-serif, estimated by the kind of character; at least 1. */
function textWidth(text: string): number {
  let width = 0
  for (const character of text) {
    if (/[ .,:;|!'ijlIt]/.test(character)) width += 3.6
    else if (/[mwMW@…]/.test(character)) width += 10.5
    else if (/[A-Z]/.test(character)) width += 8
    else width += (character.codePointAt(0) ?? 0) > 0x2e80 ? 12.5 : 6.7
  }
  return Math.max(1, Math.round(width))
}
