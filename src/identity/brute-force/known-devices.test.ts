import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualClock } from '../../kernel/index.ts'
import { createKnownDevices } from './known-devices.ts'

const DAY = 86_400_000
const clock = manualClock(Date.UTC(2026, 10, 1))
const devices = createKnownDevices('d'.repeat(43), clock)

describe('a known device', () => {
  test('is known to the accounts that it was admitted to, and to no other', () => {
    const token = devices.admit(['ada@example.com', 'person-1'], null)
    expect(devices.recognise('ada@example.com', token)).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
      admittedAt: clock.now(),
    })
    expect(devices.recognise('person-1', token)).not.toBeNull()
    expect(devices.recognise('eve@example.com', token)).toBeNull()
    expect(token).not.toContain('ada')
  })

  test('is one more for each sign-in, and keeps the others who share the browser', () => {
    const first = devices.admit(['ada@example.com'], null)
    const both = devices.admit(['ben@example.com'], first)
    expect(devices.recognise('ada@example.com', both)).toEqual(devices.recognise('ada@example.com', first))
    const again = devices.admit(['ben@example.com'], both)
    expect(devices.recognise('ben@example.com', again)).not.toEqual(
      devices.recognise('ben@example.com', both),
    )
    expect(again.split('~')).toHaveLength(2)
  })

  test('holds eight tokens at most', () => {
    let text: string | null = null
    for (let i = 0; i < 20; i++) text = devices.admit([`person-${i}`], text)
    expect(text!.split('~')).toHaveLength(8)
    expect(devices.recognise('person-19', text)).not.toBeNull()
    expect(devices.recognise('person-0', text)).toBeNull()
  })

  test('is forgotten half a year after it was last used', () => {
    const moved = manualClock(clock.now())
    const own = createKnownDevices('d'.repeat(43), moved)
    const token = own.admit(['ada@example.com'], null)
    moved.advance(180 * DAY)
    expect(own.recognise('ada@example.com', token)).not.toBeNull()
    moved.advance(DAY)
    expect(own.recognise('ada@example.com', token)).toBeNull()
  })

  test('cannot be made up', () => {
    const token = devices.admit(['ada@example.com'], null)
    const foreign = createKnownDevices('e'.repeat(43), clock).admit(['ada@example.com'], null)
    const [id, at, mac] = token.split('.') as [string, string, string]
    for (const given of [foreign, `${id}.${Number(at) + 1}.${mac}`, `${'A'.repeat(16)}.${at}.${mac}`, ''])
      expect(devices.recognise('ada@example.com', given)).toBeNull()
    fc.assert(
      fc.property(fc.string(), fc.string(), (account, given) => {
        expect(devices.recognise(account, given)).toBeNull()
      }),
    )
  })
})
