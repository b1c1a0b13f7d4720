/**
 * Stands for a value of the query while it is planned without its values. A planner that passes
 * values on passes it on; one that must look at a value says with `checkedBy` how to look later.
 */
export class Slot {
  /** Which of the query's values, in the order of the tree. */
  readonly index: number
  readonly #check: (value: unknown) => unknown

  constructor(index: number, check: (value: unknown) => unknown = (value) => value) {
    this.index = index
    this.#check = check
  }

  /** The same value, held against `check` whenever the plan is used; what that returns is used. */
  checkedBy(check: (value: unknown) => unknown): Slot {
    return new Slot(this.index, check)
  }

  /** The value among those of one query. */
  fill(values: readonly unknown[]): unknown {
    return this.#check(values[this.index])
  }
}
