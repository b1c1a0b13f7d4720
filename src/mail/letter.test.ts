import fc from 'fast-check'
import { expect, test } from 'vitest'
import { letter } from './letter.ts'

const FROM = { name: 'Codetime', url: 'https://codetime.example' }

test('a letter ends with who wrote it, in plain text', () => {
  const { text } = letter({
    from: FROM,
    to: 'ada@example.com',
    subject: 'Hello',
    paragraphs: ['One.', 'Two.'],
  })
  expect(text).toBe('One.\n\nTwo.\n\nCodetime\nhttps://codetime.example\n')
})

test('a subject stays one line, whatever the product is called', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (subject) => {
      expect(letter({ from: FROM, to: '', subject, paragraphs: [] }).subject).not.toMatch(/\p{Cc}/u)
    }),
  )
  expect(letter({ from: FROM, to: '', subject: 'a\r\nBcc: eve@example.com', paragraphs: [] }).subject).toBe(
    'a Bcc: eve@example.com',
  )
})
