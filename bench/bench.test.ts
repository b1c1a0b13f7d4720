import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BENCHES, type BenchResult } from './index.ts'
import { interleave, median } from './measure.ts'

const SCRIPT = fileURLToPath(new URL('../scripts/bench.ts', import.meta.url))
const run = (...args: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, ['--conditions=surety-source', SCRIPT, ...args])

describe('npm run bench', () => {
  test.each(Object.keys(BENCHES))(
    'prints %s as one object, every number of it measured',
    async (name) => {
      const { stdout } = await run(name, '--quick', '--json')
      const result = JSON.parse(stdout) as BenchResult
      expect(Object.keys(result)).toEqual(['name', 'ours', 'rivals', 'ratios', 'rounds', 'machine'])
      expect(result).toMatchObject({ name, rounds: 1, machine: expect.stringContaining('Node v') as string })
      for (const numbers of [result.ours, result.rivals, result.ratios]) {
        expect(Object.keys(numbers).length).toBeGreaterThan(0)
        for (const value of Object.values(numbers)) expect(value).toBeGreaterThanOrEqual(0)
      }
      for (const value of Object.values(result.ratios)) expect(value).toBeGreaterThan(0)
    },
    420_000,
  )

  test('prints a table without --json', async () => {
    const { stdout } = await run('seal', '--quick')
    expect(stdout).toMatch(/^seal: medians of 1 rounds on .+\nours +fieldsPerSecond +[\d,.]+\n/)
  })

  test.each(['', 'nothing', 'toString', 'seal log'])('refuses “%s” and says what there is', async (given) => {
    const refusal = {
      code: 2,
      stderr: `usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--json] [--quick]\n`,
    }
    await expect(run(...given.split(' ').filter(Boolean))).rejects.toMatchObject(refusal)
  })
})

describe('measuring', () => {
  test('takes the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([9, 1, 5, 7])).toBe(6)
    expect(() => median([])).toThrow(RangeError)
  })

  test('runs every contender once a round, each beginning in turn, and drops the first round', async () => {
    const calls: string[] = []
    const contender = (name: string) => () => calls.push(name)
    const found = await interleave(2, { a: contender('a'), b: contender('b') })
    expect(calls.join('')).toBe('abbaab')
    expect(found).toEqual({ a: 4.5, b: 4.5 })
  })
})
