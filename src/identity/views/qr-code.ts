import { encode } from 'uqr'
import { html, type Markup } from '../../ui/index.ts'

/** Modules of light around it: readers find the code by them (ISO/IEC 18004 §5.3.8). */
const QUIET_ZONE = 4

/**
 * A text as a QR code, drawn here: a secret is sent to nobody to be drawn. Dark on light in every colour
 * scheme, as cameras expect it.
 */
export function qrCode(text: string, label: string): Markup {
  const { size, data } = encode(text, { ecc: 'M', border: QUIET_ZONE })
  const rows = data.map((row) => row.map(Number).join(''))
  const runs = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map(({ index, 0: { length } }) => `M${index} ${y}h${length}v1h-${length}z`),
  )
  return html`<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label="${label}" shape-rendering="crispEdges"
><rect width="${size}" height="${size}" fill="#fff"></rect><path d="${runs.join('')}" fill="#000"></path></svg>`
}
