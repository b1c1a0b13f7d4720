import jsQr from 'jsqr'
import { expect, test } from 'vitest'
import { renderMarkup } from '../../ui/index.ts'
import { mintTotpSecret, totpUri } from '../second-factors/totp.ts'
import { qrCode } from './qr-code.ts'

const PIXELS = 4

/** The drawing as a camera sees it, read by a decoder that is not ours. */
function read(svg: string): string | undefined {
  const size = Number(/viewBox="0 0 (\d+) /.exec(svg)![1]) * PIXELS
  const image = new Uint8ClampedArray(size * size * 4).fill(255)
  for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    const [left, top] = [Number(x) * PIXELS, Number(y) * PIXELS]
    for (let line = top; line < top + PIXELS; line++)
      for (let at = left; at < left + Number(width) * PIXELS; at++)
        image.fill(0, (line * size + at) * 4, (line * size + at) * 4 + 3)
  }
  return jsQr.default(image, size, size)?.data
}

test('an authenticator app reads from the drawing what the page shows as text', () => {
  const accounts = ['ada@example.com', `${'a'.repeat(64)}@${'long-'.repeat(20)}name.example`]
  for (const account of accounts) {
    const uri = totpUri(mintTotpSecret(), 'Codetime & Söhne', account)
    expect(read(renderMarkup(qrCode(uri, 'QR code')))).toBe(uri)
  }
})

test('the drawing says what it is, and nothing in it runs', () => {
  const svg = renderMarkup(qrCode('otpauth://totp/x', '"><script>alert(1)</script>'))
  expect(svg).toMatch(/^<svg class="qr"[^>]* role="img" aria-label="&quot;&gt;&lt;script&gt;/)
  expect(svg).not.toContain('<script')
})
