import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../kernel/index.ts'
import { createHashTree } from './hash-tree.ts'
import type { HashTree } from './hash-tree.ts'
import {
  hashLeaf,
  makeConsistencyProof,
  makeInclusionProof,
  rootAt,
  rootOfLeaves,
  subtreesOf,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
import { createTileEdge } from './tile-edge.ts'

const leafOf = (i: number): Uint8Array => hashLeaf(utf8(`leaf ${i}`))
const leavesOf = (size: number): Uint8Array[] => Array.from({ length: size }, (_, i) => leafOf(i))

function treeOf(size: number): HashTree {
  const tree = createHashTree()
  for (const leaf of leavesOf(size)) tree.append(leaf)
  return tree
}

const TREE = treeOf(600)
const bigger = treeOf(601)
const size = fc.integer({ min: 1, max: 600 })
const flip = (hash: Uint8Array): Uint8Array => hash.map((byte, i) => (i === 7 ? byte ^ 1 : byte))
const refused = expect.objectContaining({ code: 'ERR_VERIFY_PROOF' })

test('three ways to a root agree at every size', async () => {
  const edge = createTileEdge()
  for (let n = 0; n <= 600; n++) {
    const root = TREE.root(n)
    if (n % 37 === 0 || n > 590) expect(rootOfLeaves(leavesOf(n))).toEqual(root)
    expect(await rootAt(n, TREE.read)).toEqual(root)
    expect(edge.root()).toEqual(root)
    const ahead = edge.copy()
    ahead.append(leafOf(n))
    expect(ahead.root()).toEqual(bigger.root(n + 1))
    expect(edge.root()).toEqual(root)
    edge.append(leafOf(n))
  }
})

test('subtrees tile their range without gap or overlap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (to) => {
      let at = 0
      for (const { level, index } of subtreesOf(0, to)) {
        expect(index * 2 ** level).toBe(at)
        at += 2 ** level
      }
      expect(at).toBe(to)
    }),
  )
})

describe('inclusion', () => {
  test('every leaf of every small tree is proved', async () => {
    for (let n = 1; n <= 40; n++) {
      for (let i = 0; i < n; i++) {
        verifyInclusion(i, n, leafOf(i), await makeInclusionProof(i, n, TREE.read), TREE.root(n))
      }
    }
  })

  test('a proof proves nothing else: not another leaf, place, size, root, nor with a hash changed, lost or added', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), async (n, seed, other) => {
        const i = seed % n
        const proof = await makeInclusionProof(i, n, TREE.read)
        const root = TREE.root(n)
        verifyInclusion(i, n, leafOf(i), proof, root)
        const wrong: (() => void)[] = [
          () => verifyInclusion(i, n, leafOf(n), proof, root),
          () => verifyInclusion(i, n, leafOf(i), proof, flip(root)),
          () => verifyInclusion(i, n, leafOf(i), [...proof, root], root),
          () => verifyInclusion(n, n, leafOf(i), proof, root),
          () => verifyInclusion(-1, n, leafOf(i), proof, root),
        ]
        if (other % n !== i) wrong.push(() => verifyInclusion(other % n, n, leafOf(i), proof, root))
        if (proof.length > 0) {
          wrong.push(() => verifyInclusion(i, n, leafOf(i), proof.slice(1), root))
          wrong.push(() =>
            verifyInclusion(
              i,
              n,
              leafOf(i),
              proof.with(other % proof.length, flip(proof[other % proof.length]!)),
              root,
            ),
          )
        }
        for (const attempt of wrong) expect(attempt).toThrow(refused)
      }),
    )
  })

  test('no proof is made for a leaf that is not there', async () => {
    await expect(makeInclusionProof(5, 5, TREE.read)).rejects.toThrow(RangeError)
  })
})

describe('consistency', () => {
  test('every pair of small sizes is proved', async () => {
    for (let n = 1; n <= 40; n++) {
      for (let m = 1; m <= n; m++) {
        verifyConsistency(m, n, TREE.root(m), TREE.root(n), await makeConsistencyProof(m, n, TREE.read))
      }
    }
  })

  test('a proof proves nothing else: not another root or size, nor with a hash changed, lost or added', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, fc.nat(), async (a, b, seed) => {
        const [m, n] = [Math.min(a, b), Math.max(a, b)]
        const proof = await makeConsistencyProof(m, n, TREE.read)
        const [before, after] = [TREE.root(m), TREE.root(n)]
        verifyConsistency(m, n, before, after, proof)
        const wrong: (() => void)[] = [
          () => verifyConsistency(m, n, flip(before), after, proof),
          () => verifyConsistency(m, n, before, flip(after), proof),
          () => verifyConsistency(m, n, before, after, [...proof, after]),
          () => verifyConsistency(0, n, before, after, proof),
          () => verifyConsistency(n + 1, n, before, after, proof),
        ]
        if (proof.length > 0) {
          const at = seed % proof.length
          wrong.push(() => verifyConsistency(m, n, before, after, proof.with(at, flip(proof[at]!))))
          wrong.push(() => verifyConsistency(m, n, before, after, proof.slice(0, -1)))
          wrong.push(() => verifyConsistency(m, n, before, after, []))
        }
        for (const attempt of wrong) expect(attempt).toThrow(refused)
      }),
    )
  })
})
