import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isWithin } from './is-within.ts'

const outer = join(import.meta.dirname, 'keys')

test.each([
  ['itself', outer, true],
  ['a folder in it', join(outer, 'epochs', 'live'), true],
  ['a folder in it whose name begins with dots', join(outer, '..keys'), true],
  ['one beside it with a longer name', `${outer}-copy`, false],
  ['the one above', join(outer, '..'), false],
  ['one beside it', join(outer, '..', 'logs'), false],
])('a folder holds %s: %s', (_, inner, holds) => expect(isWithin(outer, inner)).toBe(holds))
