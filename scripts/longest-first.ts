import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Test files, or folders of them, that take long, the longest first. */
export const LONGEST: readonly string[] = [
  'test/faults/kills',
  'test/property/both-guards',
  'test/e2e/',
  'bench/bench',
  'examples/coding-metrics/src/canary',
  'src/compose/sign-in-promises',
  'test/property/one-guard',
  'src/log/faults',
  'src/http/account/brute-force',
  'examples/coding-metrics/src/sealing',
  'test/faults/',
  'src/keys/providers/pkcs11',
  'src/cli/witness',
  'test/go/verify-log',
  'src/database/server',
]

/** Begins with what takes longest: a long file that begins last keeps one worker while the others wait. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files)
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((path) => moduleId.includes(`/${path}`))
      return at < 0 ? LONGEST.length : at
    }
    return others.toSorted((a, b) => rank(a) - rank(b))
  }
}
