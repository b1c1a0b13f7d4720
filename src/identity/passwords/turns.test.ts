import { describe, expect, test } from 'vitest'
import { createTurns, type Caller, type TurnsOptions } from './turns.ts'

/** A queue whose work ends when the test says so. */
function open(options: TurnsOptions = {}) {
  const turns = createTurns({ atOnce: 1, mostWaiting: 8, ...options })
  const order: string[] = []
  const refused: string[] = []
  const ends: (() => void)[] = []
  const all: Promise<void>[] = []
  const come = (name: string, caller: Partial<Caller> = {}): void => {
    const work = async (): Promise<void> => {
      order.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
    }
    const turn = turns({ network: 'here', standing: 'calm', ...caller }, work)
    all.push(turn.catch((error: { code: string }) => void refused.push(`${name} ${error.code}`)))
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const endAll = async (): Promise<string[]> => {
    await settled()
    while (ends.length > 0) {
      ends.shift()!()
      await settled()
    }
    await Promise.all(all)
    return order
  }
  return { come, endAll, settled, order, refused }
}

const busy = (name: string): string => `${name} ERR_IDENTITY_BUSY`

describe('the queue before a password is checked', () => {
  test('lets so many in at once, and nobody more', async () => {
    const { come, endAll, order, settled } = open({ atOnce: 2 })
    for (const name of ['a', 'b', 'c']) come(name)
    await settled()
    expect(order).toEqual(['a', 'b'])
    expect(await endAll()).toEqual(['a', 'b', 'c'])
  })

  test('lets known devices in first, then accounts where nobody failed, then the others', async () => {
    const { come, endAll } = open()
    come('first')
    come('stranger', { standing: 'stranger', network: '1' })
    come('calm', { standing: 'calm', network: '2' })
    come('known', { standing: 'known', network: '3' })
    expect(await endAll()).toEqual(['first', 'known', 'calm', 'stranger'])
  })

  test('takes networks by turns, whichever of them has more', async () => {
    const { come, endAll } = open({ mostWaiting: 40 })
    come('first', { network: 'x' })
    for (const name of ['x1', 'x2', 'x3', 'x4']) come(name, { network: 'x' })
    for (const name of ['y1', 'y2']) come(name, { network: 'y' })
    expect(await endAll()).toEqual(['first', 'x1', 'y1', 'x2', 'y2', 'x3', 'x4'])
  })

  test('that one network has filled has a place for everybody from elsewhere, and soon', async () => {
    const { come, endAll, refused } = open()
    come('first')
    for (let i = 0; i < 20; i++) come(`flood ${i}`, { network: 'flood', standing: 'known' })
    come('owner', { network: 'elsewhere', standing: 'stranger' })
    const order = await endAll()
    expect(refused).toContain(busy('flood 19'))
    expect(refused).toHaveLength(13)
    // Before it come the two of that network's share that are known devices, and nobody else.
    expect(order.indexOf('owner')).toBe(3)
  })

  test('that strangers from everywhere have filled has a place for owners', async () => {
    const { come, endAll, refused } = open()
    come('first')
    for (let i = 0; i < 20; i++) come(`bot ${i}`, { network: `network ${i}`, standing: 'stranger' })
    come('owner', { network: 'home', standing: 'known' })
    come('colleague', { network: 'office', standing: 'calm' })
    const order = await endAll()
    expect(order.slice(0, 3)).toEqual(['first', 'owner', 'colleague'])
    expect(refused).not.toContain(busy('owner'))
  })

  test('refuses whoever comes last of equals', async () => {
    const { come, endAll, refused } = open()
    come('first')
    for (let i = 0; i < 9; i++) come(`${i}`, { network: `network ${i}` })
    await endAll()
    expect(refused).toEqual([busy('8')])
  })

  test('keeps nobody waiting for ever', async () => {
    const { come, endAll, refused, order } = open({ mostWaitMs: 5 })
    come('first')
    come('late')
    while (refused.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    come('next', { network: 'else' })
    await endAll()
    expect([order[0], refused[0]]).toEqual(['first', busy('late')])
    expect(order).not.toContain('late')
  })

  test('goes on after work that failed', async () => {
    const turns = createTurns({ atOnce: 1 })
    const caller: Caller = { network: null, standing: 'calm' }
    const failing = turns(caller, () => Promise.reject(new TypeError('no')))
    const next = turns(caller, async () => 'yes')
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })
})
