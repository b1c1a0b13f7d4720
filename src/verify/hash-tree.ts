import { VerifyError } from './errors.ts'
import { foldRight, hashNode, subtreesOf } from './merkle.ts'

/** A whole Merkle tree in memory: some 64 bytes a leaf and their overhead. */
export interface HashTree {
  readonly size: number
  append(leafHash: Uint8Array): void
  /** Root of the first `size` leaves; of all by default. */
  root(size?: number): Uint8Array
  /** A {@link HashReader} over this tree. */
  read(level: number, index: number): Uint8Array
}

/** An empty tree that remembers every complete subtree, so that it knows its root at each size it ever had. */
export function createHashTree(): HashTree {
  const levels: Uint8Array[][] = [[]]
  const read = (level: number, index: number): Uint8Array => {
    const hash = levels[level]?.[index]
    if (hash === undefined) {
      throw new VerifyError('ERR_VERIFY_MISSING', `the tree has no complete subtree ${level}/${index}`)
    }
    return hash
  }
  return {
    get size() {
      return levels[0]!.length
    },
    append(leafHash) {
      let hash = leafHash
      for (let level = 0; ; level++) {
        const row = (levels[level] ??= [])
        row.push(hash)
        if (row.length % 2 === 1) return
        hash = hashNode(row[row.length - 2]!, hash)
      }
    },
    root(size = levels[0]!.length) {
      return foldRight(subtreesOf(0, size).map(({ level, index }) => read(level, index)))
    },
    read,
  }
}
