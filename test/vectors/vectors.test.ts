import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { canonicalJson, toHex, utf8 } from '../../src/kernel/index.ts'
import {
  createHashTree,
  emptyRoot,
  formatVerifierKey,
  hashLeaf,
  makeConsistencyProof,
  makeInclusionProof,
  parseVerifierKey,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from '../../src/verify/index.ts'

const load = <Vectors>(name: string): Vectors =>
  JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Vectors
const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))

interface CanonicalVectors {
  documents: { name: string; input: string; canonical: string }[]
  sorting: { input: string; order: string[] }
  numbers: [string, string][]
  refused: string[]
}
interface MerkleVectors {
  emptyRoot: string
  leaves: string[]
  roots: string[]
  inclusion: { index: number; size: number; path: string[] }[]
  consistency: { from: number; to: number; path: string[] }[]
}
interface NoteVector {
  vkey: string
  text: string
  note: string
}

const double = (hex: string): number => new DataView(bytesOf(hex).buffer).getFloat64(0)

describe('canonical JSON (RFC 8785)', () => {
  const vectors = load<CanonicalVectors>('rfc8785.json')

  test.each(vectors.documents)('writes the document of $name', ({ input, canonical }) => {
    expect(canonicalJson(JSON.parse(input))).toBe(canonical)
  })

  test('sorts members by UTF-16 code units', () => {
    const canonical = canonicalJson(JSON.parse(vectors.sorting.input))
    expect(Array.from(canonical.matchAll(/:"([^"]*)"/g), (match) => match[1])).toEqual(vectors.sorting.order)
  })

  test.each(vectors.numbers)('writes the double %s as %s', (hex, text) => {
    expect(canonicalJson(double(hex))).toBe(text)
  })

  test.each(vectors.refused)('refuses the double %s', (hex) => {
    expect(() => canonicalJson(double(hex))).toThrow(TypeError)
  })
})

describe('Merkle trees (RFC 9162 §2.1)', () => {
  const vectors = load<MerkleVectors>('rfc6962.json')
  const leaves = vectors.leaves.map((leaf) => hashLeaf(bytesOf(leaf)))
  const tree = createHashTree()
  for (const leaf of leaves) tree.append(leaf)

  test('has the root of the empty tree', () => {
    expect(toHex(emptyRoot())).toBe(vectors.emptyRoot)
  })

  test.each(vectors.roots.map((root, i) => [i + 1, root] as const))(
    'has the root of %i leaves',
    (size, root) => {
      expect(toHex(rootOfLeaves(leaves.slice(0, size)))).toBe(root)
      expect(toHex(tree.root(size))).toBe(root)
    },
  )

  test.each(vectors.inclusion)('proves leaf $index of $size', async ({ index, size, path }) => {
    const proof = await makeInclusionProof(index, size, tree.read)
    expect(proof.map(toHex)).toEqual(path)
    expect(() => verifyInclusion(index, size, leaves[index]!, proof, tree.root(size))).not.toThrow()
  })

  test.each(vectors.consistency)('proves that $from leaves begin $to', async ({ from, to, path }) => {
    const proof = await makeConsistencyProof(from, to, tree.read)
    expect(proof.map(toHex)).toEqual(path)
    expect(() => verifyConsistency(from, to, tree.root(from), tree.root(to), proof)).not.toThrow()
  })
})

describe('signed notes (C2SP signed-note)', () => {
  const vector = load<NoteVector>('signed-note.json')

  test('verifies the example of the specification', async () => {
    const key = parseVerifierKey(vector.vkey)
    expect(key.name).toBe('example.com/foo')
    expect(formatVerifierKey(key)).toBe(vector.vkey)
    const { text, signedBy } = await verifyNote(utf8(vector.note), [key])
    expect(text).toBe(vector.text)
    expect(signedBy).toEqual([key])
  })

  test('refuses the example with one character changed', async () => {
    const key = parseVerifierKey(vector.vkey)
    const forged = utf8(vector.note.replace('example message', 'exemple message'))
    await expect(verifyNote(forged, [key])).rejects.toMatchObject({ code: 'ERR_VERIFY_SIGNATURE' })
  })
})
