import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { MUTATIONS } from './mutations.ts'

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url))
const INVARIANTS = [1, 2, 3, 6, 7, 8, 9]

describe('the list of mutations', () => {
  test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
    'finds its guard: %s',
    (_, mutation) => {
      const { file, guard, replacement, tests } = mutation
      const text = readFileSync(path(file), 'utf8')
      expect(text.split(guard).length - 1, `${file} has the guard once; where it moved, move it here`).toBe(1)
      expect(replacement).not.toBe(guard)
      expect(tests.length).toBeGreaterThan(0)
      expect(tests.filter((file) => !existsSync(path(file)))).toEqual([])
    },
  )

  test('has a guard of every invariant, and no two of one name', () => {
    const named = new Set(MUTATIONS.flatMap(({ invariants }) => invariants))
    expect([...named].toSorted((a, b) => a - b)).toEqual(INVARIANTS)
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length)
    expect(MUTATIONS.length).toBeGreaterThan(20)
  })
})
