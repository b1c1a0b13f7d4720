import type { Mutation } from './mutation.ts'

const VERIFYING = 'src/identity/oidc/provider-sign-in.test.ts'
const LINKING = 'src/identity/oidc/provider-accounts.test.ts'

/** Who is signed in: a principal that nobody proved would be one for everybody's rows. */
export const SIGN_IN_MUTATIONS: readonly Mutation[] = [
  {
    name: 'one provider answers for another',
    invariants: [1],
    file: 'src/identity/oidc/provider-sign-in.ts',
    guard: '|| transaction.provider !== provider.id',
    replacement: '',
    tests: [VERIFYING],
  },
  {
    name: 'an answer is taken without its state',
    invariants: [1],
    file: 'src/identity/oidc/provider-sign-in.ts',
    guard: '{ client_id: provider.clientId }, parameters, state)',
    replacement: '{ client_id: provider.clientId }, parameters, oauth.skipStateCheck)',
    tests: [VERIFYING],
  },
  {
    name: 'a sign-in is finished twice',
    invariants: [1],
    file: 'src/identity/oidc/provider-sign-in.ts',
    guard: '!(await options.use(transaction.id, transaction.beganAt + TRANSACTION_MS))',
    replacement: 'false',
    tests: [VERIFYING],
  },
  {
    name: 'a sign-in under way never ends',
    invariants: [1],
    file: 'src/identity/oidc/transaction.ts',
    guard: '&& age <= TRANSACTION_MS',
    replacement: '',
    tests: [VERIFYING],
  },
  {
    name: 'the signature of an ID token is not verified',
    invariants: [1],
    file: 'src/identity/oidc/exchange-code.ts',
    guard: '  await verifySignature(exchange, response)\n',
    replacement: '\n',
    tests: [VERIFYING],
  },
  {
    name: 'the nonce of an ID token is not compared',
    invariants: [1],
    file: 'src/identity/oidc/exchange-code.ts',
    guard: 'expectedNonce: transaction.nonce',
    replacement: 'expectedNonce: oauth.expectNoNonce',
    tests: [VERIFYING],
  },
  {
    name: 'an ID token for another party or another time is taken',
    invariants: [1],
    file: 'src/identity/oidc/exchange-code.ts',
    guard: '  checkToken(token, provider.clientId, exchange)\n',
    replacement: '\n',
    tests: [VERIFYING],
  },
  {
    name: 'a provider that only knows shared keys is used',
    invariants: [1],
    file: 'src/identity/oidc/discovery.ts',
    guard: 'if (accepted.length === 0)',
    replacement: 'if (false)',
    tests: [VERIFYING],
  },
  {
    name: 'an address counts as verified by any word',
    invariants: [1],
    file: 'src/identity/oidc/exchange-code.ts',
    guard: "said['email_verified'] === true",
    replacement: "Boolean(said['email_verified'])",
    tests: [VERIFYING],
  },
  {
    name: 'an address that nobody verified takes over an account',
    invariants: [1],
    file: 'src/identity/oidc/provider-accounts.ts',
    guard: 'email !== null && emailVerified',
    replacement: 'email !== null',
    tests: [LINKING],
  },
  {
    name: 'an account with somebody else’s address is joined by its owner',
    invariants: [1],
    file: 'src/identity/oidc/provider-accounts.ts',
    guard: 'found && !found.emailVerified',
    replacement: 'false',
    tests: [LINKING],
  },
  {
    name: 'an account that is switched off keeps its sessions',
    invariants: [1],
    file: 'src/identity/accounts.ts',
    guard: "deleteFrom('sign_in_sessions').where('personId', '=', personId).execute()\n}",
    replacement: "selectFrom('sign_in_sessions').select('id').execute()\n}",
    tests: [LINKING],
  },
]
