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

  test('has two guards of every invariant at least, and no two of one name', () => {
    const named = Map.groupBy(
      MUTATIONS.flatMap(({ invariants }) => invariants),
      (invariant) => invariant,
    )
    expect([...named.keys()].toSorted((a, b) => a - b)).toEqual(INVARIANTS)
    for (const [invariant, guards] of named)
      expect(guards.length, `invariant ${invariant}`).toBeGreaterThan(1)
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length)
    expect(MUTATIONS.length).toBeGreaterThan(45)
  })
})
