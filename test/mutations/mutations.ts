/**
 * Guards of the invariants, each with the edit that takes it away and the tests that must then fail.
 * `npm run mutations` applies them one by one; a test in CI holds every text against its file.
 */
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

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a role’s permission counts for every action',
    invariants: [1],
    file: 'src/access/decide.ts',
    guard: ' && permission.actions.includes(action)',
    replacement: '',
    tests: ['src/access/decide.test.ts'],
  },
  {
    name: 'a system task reaches every table',
    invariants: [1],
    file: 'src/access/decide.ts',
    guard: "tablesOfSystem(principal)?.has(resource.name) ? 'any' : null",
    replacement: "tablesOfSystem(principal) ? 'any' : null",
    tests: ['src/access/decide.test.ts'],
  },
  {
    name: 'a query without permission reads with the widest scope',
    invariants: [1],
    file: 'src/store/plan/authority.ts',
    guard: 'const scope = decide(principal, roles, resource, action)',
    replacement: "const scope = decide(principal, roles, resource, action) ?? 'any'",
    tests: ['src/store/boundary.test.ts', 'src/store/store.test.ts'],
  },
  {
    name: 'the store adds no predicate of tenant and owner',
    invariants: [2],
    file: 'src/store/plan/authority.ts',
    guard: 'if (!this.#policy.predicates) return null',
    replacement: 'if (this.#policy.predicates) return null',
    tests: ['src/store/isolation.test.ts'],
  },
  {
    name: 'row-level security opens a table to any tenant',
    invariants: [2],
    file: 'src/database/policies.ts',
    guard: "when 'tenant' then ${tenant} when",
    replacement: "when 'tenant' then true when",
    tests: ['src/database/policies.test.ts'],
  },
  {
    name: 'a statement with raw SQL is planned',
    invariants: [2, 9],
    file: 'src/store/plan/nodes.ts',
    guard:
      "if (kind === 'RawNode') throw new StoreError('ERR_STORE_RAW', 'raw SQL is refused in a governed query')",
    replacement: "if (kind === 'RawNode') return node as never",
    tests: ['src/store/plan/raw.test.ts'],
  },
  {
    name: 'an undeclared field is taken where it should be refused',
    invariants: [3],
    file: 'src/declare/validate-row.ts',
    guard: "if (undeclared.length > 0 && resource.undeclared === 'refuse') {",
    replacement: "if (undeclared.length > 99 && resource.undeclared === 'refuse') {",
    tests: ['src/declare/validate-row.test.ts'],
  },
  {
    name: 'fields of a subject’s resource are stored in the clear',
    invariants: [3],
    file: 'src/declare/columns.ts',
    guard: "return resource.seal !== 'none' && field.kind !== 'id' && field.clear === null",
    replacement:
      "return resource.seal !== 'none' && field.kind !== 'id' && field.clear === null && field.max === 0",
    tests: ['src/declare/declare.test.ts', 'src/keys/seal-row.test.ts'],
  },
  {
    name: 'an envelope is not bound to the clear columns beside it',
    invariants: [3],
    file: 'src/keys/seal-row.ts',
    guard: 'digestOfClear(layout, clear)',
    replacement: 'digestOfClear(layout, {})',
    tests: ['src/keys/seal-row.test.ts'],
  },
  {
    name: 'a row is sealed with another person’s key',
    invariants: [3],
    file: 'src/keys/seal-row.ts',
    guard: 'requireOwner(dataKey, context)\n',
    replacement: '\n',
    tests: ['src/keys/seal-row.test.ts'],
  },
  {
    name: 'a writer does not lock its data key against an erasure',
    invariants: [3, 8],
    file: 'src/keys/open-key-tree.ts',
    guard: 'order by id for key share`',
    replacement: 'order by id`',
    tests: ['src/keys/open-key-tree.test.ts'],
  },
  {
    name: 'an erased subject gets a key again',
    invariants: [3],
    file: 'src/keys/open-key-tree.ts',
    guard: 'if (rows.every(({ wrapped }) => wrapped !== null)) return\n',
    replacement: 'if (rows.length >= 0) return\n',
    tests: ['src/keys/open-key-tree.test.ts'],
  },
  {
    name: 'the log goes on from a folder that lies behind the database',
    invariants: [6],
    file: 'src/log/sequencer.ts',
    guard: '    refuseBehind(state, published)\n',
    replacement: '',
    tests: ['src/log/sequencer.test.ts'],
  },
  {
    name: 'two sequencers decide what comes next without a claim',
    invariants: [6, 8],
    file: 'src/log/sequencer.ts',
    guard: 'if (!(await folder.claim(intentName(from), await formatIntent(intent, signer)))) {',
    replacement: 'if (intentName(from) === (await formatIntent(intent, signer)).toString()) {',
    tests: ['src/log/sequencer.test.ts'],
  },
  {
    name: 'a lost signing key is made anew under a log that was begun',
    invariants: [6, 9],
    file: 'src/log/signer.ts',
    guard: 'const begun = logFolder !== undefined && (await holdsLog(logFolder))',
    replacement: 'const begun = logFolder === file && (await holdsLog(logFolder))',
    tests: ['test/faults/openings.test.ts'],
  },
  {
    name: 'a verifier takes entries that do not hash to the signed root',
    invariants: [6],
    file: 'src/verify/read-log.ts',
    guard: 'if (!equalBytes(copy.tree.root(checkpoint.size), checkpoint.rootHash)) {',
    replacement: 'if (!equalBytes(checkpoint.rootHash, checkpoint.rootHash)) {',
    tests: ['src/verify/site.test.ts', 'src/verify/hostile-site.test.ts'],
  },
  {
    name: 'a verifier with state does not notice a tail cut off',
    invariants: [6],
    file: 'src/verify/site.ts',
    guard: 'if (checkpoint.size < state.size) {',
    replacement: 'if (checkpoint.size < 0) {',
    tests: ['src/verify/site.test.ts', 'src/verify/hostile-site.test.ts'],
  },
  {
    name: 'a kept promise never outlives its cadence',
    invariants: [7],
    file: 'src/verify/status-track.ts',
    guard: "const expiresMs = this.#status === 'kept' ? (this.#expiresMs ?? Infinity) : Infinity",
    replacement: 'const expiresMs = Infinity',
    tests: ['src/verify/status.test.ts'],
  },
  {
    name: 'a broken promise is waited away by a check that gave no answer',
    invariants: [7],
    file: 'src/verify/status-track.ts',
    guard: "    if (this.#status === 'broken') {\n      this.#reason",
    replacement: "    if (this.#status === 'broken' && at === '') {\n      this.#reason",
    tests: ['src/verify/status.test.ts'],
  },
  {
    name: 'a weaker check is recorded as reworded',
    invariants: [7],
    file: 'src/promises/claims.ts',
    guard: "if (later.some((part, i) => part < earlier[i]!)) return 'weakened'",
    replacement: "if (later.length < earlier.length) return 'weakened'",
    tests: ['src/promises/claims.test.ts'],
  },
  {
    name: 'a clock set back leaves promises unmeasured',
    invariants: [7],
    file: 'src/promises/schedule.ts',
    guard: 'if (last.at > now + RETRY_MS) return Number.NEGATIVE_INFINITY\n',
    replacement: '\n',
    tests: ['src/promises/schedule.test.ts'],
  },
  {
    name: 'two processes own one data folder',
    invariants: [8],
    file: 'src/database/folder-lock.ts',
    guard: 'if (others.live.length === 0) {',
    replacement: 'if (others.live.length < 99) {',
    tests: ['src/database/folder-lock.test.ts'],
  },
  {
    name: 'a body of any length is read',
    invariants: [9],
    file: 'src/http/body-limit.ts',
    guard: '    if (size > maxBytes) return null\n',
    replacement: '',
    tests: ['src/http/body-limit.test.ts'],
  },
  {
    name: 'the database’s own error reaches the caller',
    invariants: [2, 9],
    file: 'src/store/database-error.ts',
    guard: '{ cause: { sqlstate, constraint } }',
    replacement: '{ cause: error }',
    tests: ['src/store/red-team.test.ts', 'src/store/boundary.test.ts'],
  },
  {
    name: 'a garbled key file fails with words that quote it',
    invariants: [9],
    file: 'src/keys/providers/key-folder.ts',
    guard: 'parseFile(id, await readFile(pathOf(folder, id, role), ',
    replacement: 'JSON.parse(await readFile(pathOf(folder, id, role), ',
    tests: ['src/keys/providers/file-provider.test.ts'],
  },
  {
    name: 'an insert in one round trip leaves its audit event behind',
    invariants: [6],
    file: 'src/store/at-once.ts',
    guard: '    if (record) yield { ...record, prepare: true }\n',
    replacement: '',
    tests: ['src/store/audit-trail.test.ts'],
  },
  {
    name: 'a change in one round trip is not held to the rows of its keys',
    invariants: [3, 8],
    file: 'src/store/at-once.ts',
    guard: 'const holds = sealing.length + indexing.length > 0 ? [holdStep(sealing, indexing)] : []',
    replacement: 'const holds: Step[] = []',
    tests: ['src/store/at-once.test.ts'],
  },
  {
    name: 'recalled keys seal beyond the declared outage',
    invariants: [3],
    file: 'src/keys/open-key-tree.ts',
    guard: 'return asked ? null : recall(room, wanted)',
    replacement: 'return recall(room, wanted)',
    tests: ['src/store/provider-outage.test.ts'],
  },
]
