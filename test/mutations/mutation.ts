/** A guard of an invariant, the edit that takes it away, and the tests that must then fail. */
export interface Mutation {
  readonly name: string
  /** The invariants of the README that the guard keeps. */
  readonly invariants: readonly number[]
  readonly file: string
  /** Stands exactly once in the file. */
  readonly guard: string
  readonly replacement: string
  /** Test files of which at least one test must fail. */
  readonly tests: readonly string[]
}
