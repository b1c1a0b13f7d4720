import { describe, expect, it } from 'vitest'
import { basePort, systemPort } from './ports.ts'

describe('PORT', () => {
  it.each([
    [undefined, 4_000],
    ['', 4_000],
    ['5200', 5_200],
    ['0', 0],
    ['65000', 65_000],
  ])('%j starts at %i', (text, port) => expect(basePort(text)).toBe(port))

  it.each(['abc', '-1', '80.5', '65001', '1e3', ' 80', '0x50'])(
    'refuses %j and says what it takes',
    (text) => {
      expect(() => basePort(text)).toThrow('a whole number from 0 to 65000')
    },
  )

  it('puts systems above the overview, or lets the machine choose them all', () => {
    expect([systemPort(4_000, 1), systemPort(0, 1)]).toEqual([4_001, 0])
  })
})
