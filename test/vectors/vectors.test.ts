import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { canonicalJson, toHex, utf8 } from '../../src/kernel/index.ts'
import {
  createHashTree,
  emptyRoot,
  cosign,
  createWitnessKey,
  formatVerifierKey,
  formatWitnessKey,
  hashLeaf,
  makeConsistencyProof,
  makeInclusionProof,
  parseVerifierKey,
  parseWitnessKey,
  readCosignatures,
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

interface CosignatureVector extends NoteVector {
  witnessSeed: string
  time: number
  witness: string
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

describe('cosignatures (C2SP tlog-cosignature)', () => {
  const vector = load<CosignatureVector>('cosignature.json')
  const witness = parseWitnessKey(vector.witness)

  test('verifies what another implementation cosigned, and reads its time', async () => {
    expect(formatWitnessKey(witness)).toBe(vector.witness)
    const found = await readCosignatures(utf8(vector.note), [witness])
    expect(found).toEqual([{ key: witness, atMs: vector.time * 1000 }])
    expect((await verifyNote(utf8(vector.note), [parseVerifierKey(vector.vkey)])).text).toBe(vector.text)
  })

  test('writes the very line that another implementation wrote', async () => {
    // RFC 8410 §7: what stands before the 32 bytes of an Ed25519 private key.
    const der = Buffer.from(`302e020100300506032b657004220420${vector.witnessSeed}`, 'hex')
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
    const key = createWitnessKey('witness.example/w1', Buffer.from(String(x), 'base64url'))
    expect(key).toEqual(witness)
    const signer = { key, sign: async (bytes: Uint8Array) => sign(null, bytes, privateKey) }
    const line = await cosign(vector.text, signer, vector.time * 1000 + 999)
    expect(vector.note.endsWith(`\n${line}`)).toBe(true)
  })
})
