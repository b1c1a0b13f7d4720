import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { OperationNode, RootOperationNode } from 'kysely'
import { describe, expect, test } from 'vitest'
import { HANDLED, REFUSED } from './nodes.ts'
import { planStatement } from './plan.ts'
import { db, policy, refusalOf } from '../testing/refusals.ts'

describe('the table of nodes', () => {
  const file = createRequire(import.meta.url)
    .resolve('kysely')
    .replace(/dist\/.*$/, 'dist/operation-node/operation-node.d.ts')
  const kinds = [...readFileSync(file, 'utf8').matchAll(/'([A-Za-z]+Node)'/g)].map((match) => match[1]!)

  test('names every kind that Kysely has, once', () => {
    expect(kinds.length).toBeGreaterThan(90)
    expect([...Object.keys(HANDLED), ...Object.keys(REFUSED)].toSorted()).toEqual(
      [...new Set(kinds)].toSorted(),
    )
  })

  test.each(Object.keys(REFUSED))('%s is refused as a statement and as an expression', (kind) => {
    const node = { kind } as OperationNode
    expect(refusalOf(() => planStatement(policy, node as RootOperationNode))).toBe('ERR_STORE_UNSUPPORTED')
    const select = db.selectFrom('rates').select('id').toOperationNode()
    const where = { kind: 'WhereNode', where: node }
    expect(refusalOf(() => planStatement(policy, { ...select, where } as RootOperationNode))).toBe(
      'ERR_STORE_UNSUPPORTED',
    )
  })

  test.each(['__proto__', 'constructor', 'NoSuchNode', ''])('an unknown kind %j is refused', (kind) => {
    const node = Object.defineProperty({}, 'kind', { value: kind, enumerable: true }) as RootOperationNode
    expect(refusalOf(() => planStatement(policy, node))).toBe('ERR_STORE_UNSUPPORTED')
  })

  test('an unknown member of a known node is refused', () => {
    const select = {
      ...db.selectFrom('rates').select('id').toOperationNode(),
      intoOutfile: { kind: 'RawNode', sqlFragments: ['x'], parameters: [] },
    }
    expect(refusalOf(() => planStatement(policy, select as RootOperationNode))).toBe('ERR_STORE_UNSUPPORTED')
  })
})
