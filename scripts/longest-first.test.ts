import { globSync } from 'node:fs'
import { expect, it } from 'vitest'
import { REPOSITORY } from './gates/tool.ts'
import { LONGEST } from './longest-first.ts'

it.each(LONGEST)('%s names test files that are there', (path) => {
  expect(globSync(`${path}*.test.ts`, { cwd: REPOSITORY })).not.toEqual([])
})
