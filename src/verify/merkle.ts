import { equalBytes } from '../kernel/index.ts'
import { VerifyError } from './errors.ts'
import { hashBytes } from './hash-bytes.ts'

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** Hash of a leaf: SHA-256(0x00 ‖ entry) (RFC 9162 §2.1.1). */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return hashBytes(LEAF, entry)
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 9162 §2.1.1). */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashBytes(NODE, left, right)
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return hashBytes()
}

/**
 * Reads the hash of a complete subtree: 2^`level` leaves, the `index`-th of that size from the left.
 * May be called for complete subtrees only.
 */
export type HashReader = (level: number, index: number) => Uint8Array | Promise<Uint8Array>

/** Combines the hashes of adjacent subtrees, largest first, into the hash of their range. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes.at(-1)
  if (last === undefined) return emptyRoot()
  return hashes.slice(0, -1).reduceRight((right, left) => hashNode(left, right), last)
}

/** Root of a tree over the given leaf hashes (RFC 9162 §2.1.1). */
export function rootOfLeaves(leafHashes: readonly Uint8Array[]): Uint8Array {
  if (leafHashes.length === 0) return emptyRoot()
  if (leafHashes.length === 1) return leafHashes[0]!
  const split = splitOf(leafHashes.length)
  return hashNode(rootOfLeaves(leafHashes.slice(0, split)), rootOfLeaves(leafHashes.slice(split)))
}

/** Complete subtrees that tile `[from, to)`, left to right; `from` must lie on the boundary of the first. */
export function subtreesOf(from: number, to: number): { level: number; index: number }[] {
  const subtrees: { level: number; index: number }[] = []
  for (let at = from; at < to;) {
    let level = 0
    let width = 1
    while (at % (width * 2) === 0 && at + width * 2 <= to) {
      width *= 2
      level += 1
    }
    subtrees.push({ level, index: at / width })
    at += width
  }
  return subtrees
}

/** Root of the first `size` leaves. */
export function rootAt(size: number, read: HashReader): Promise<Uint8Array> {
  return rangeHash(0, size, read)
}

/**
 * Audit path of leaf `index` in a tree of `size` leaves, leaf's sibling first (RFC 9162 §2.1.3.1).
 * @throws RangeError when the tree has no such leaf
 */
export async function makeInclusionProof(
  index: number,
  size: number,
  read: HashReader,
): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`)
  const siblings: [number, number][] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      siblings.push([middle, to])
      to = middle
    } else {
      siblings.push([from, middle])
      from = middle
    }
  }
  return Promise.all(siblings.toReversed().map(([a, b]) => rangeHash(a, b, read)))
}

/**
 * Checks that `leafHash` is leaf `index` of the tree with this root (RFC 9162 §2.1.3.2).
 * @throws VerifyError `ERR_VERIFY_PROOF`
 */
export function verifyInclusion(
  index: number,
  size: number,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (!(index >= 0 && index < size)) throw falseProof('the index lies outside the tree')
  let node = index
  let last = size - 1
  let hash = leafHash
  for (const sibling of proof) {
    if (last === 0) throw falseProof('the inclusion proof is too long')
    if (node % 2 === 1 || node === last) {
      hash = hashNode(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else {
      hash = hashNode(hash, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  if (last !== 0) throw falseProof('the inclusion proof is too short')
  if (!equalBytes(hash, root)) throw falseProof('the inclusion proof leads to another root')
}

/**
 * Proof that the tree of `newSize` leaves begins with the tree of `oldSize` leaves (RFC 9162 §2.1.4.1).
 * Empty where the sizes are equal.
 * @throws RangeError unless 0 < `oldSize` ≤ `newSize`
 */
export async function makeConsistencyProof(
  oldSize: number,
  newSize: number,
  read: HashReader,
): Promise<Uint8Array[]> {
  if (!(oldSize > 0 && oldSize <= newSize))
    throw new RangeError(`no proof leads from size ${oldSize} to ${newSize}`)
  const ranges: [number, number][] = []
  let from = 0
  let to = newSize
  while (oldSize !== to) {
    const middle = from + splitOf(to - from)
    if (oldSize <= middle) {
      ranges.push([middle, to])
      to = middle
    } else {
      ranges.push([from, middle])
      from = middle
    }
  }
  // The old tree's own last subtree is known to the verifier only when it is the whole old tree.
  if (from > 0) ranges.push([from, to])
  return Promise.all(ranges.toReversed().map(([a, b]) => rangeHash(a, b, read)))
}

/**
 * Checks a consistency proof (RFC 9162 §2.1.4.2).
 * @throws VerifyError `ERR_VERIFY_PROOF`
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  if (!(oldSize > 0 && oldSize <= newSize)) throw falseProof('the sizes of a consistency proof do not fit')
  if (oldSize === newSize) {
    if (proof.length > 0 || !equalBytes(oldRoot, newRoot)) throw falseProof('two roots for one tree size')
    return
  }
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : [...proof]
  const first = path.shift()
  if (first === undefined || proof.length === 0) throw falseProof('the consistency proof is empty')
  let node = oldSize - 1
  let last = newSize - 1
  while (node % 2 === 1) {
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  let oldHash = first
  let newHash = first
  for (const hash of path) {
    if (last === 0) throw falseProof('the consistency proof is too long')
    if (node % 2 === 1 || node === last) {
      oldHash = hashNode(hash, oldHash)
      newHash = hashNode(hash, newHash)
      while (node % 2 === 0 && node !== 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else {
      newHash = hashNode(newHash, hash)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  if (last !== 0) throw falseProof('the consistency proof is too short')
  if (!equalBytes(oldHash, oldRoot)) throw falseProof('the consistency proof does not start at the old root')
  if (!equalBytes(newHash, newRoot)) throw falseProof('the consistency proof does not lead to the new root')
}

async function rangeHash(from: number, to: number, read: HashReader): Promise<Uint8Array> {
  const subtrees = subtreesOf(from, to)
  return foldRight(await Promise.all(subtrees.map(async ({ level, index }) => read(level, index))))
}

/** The largest power of two below `size`. */
function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

function isPowerOfTwo(size: number): boolean {
  while (size % 2 === 0) size /= 2
  return size === 1
}

function falseProof(message: string) {
  return new VerifyError('ERR_VERIFY_PROOF', message)
}
