/** The demo's identity provider: a real OpenID provider with made-up people, and a script that signs in through it. */
export { DEMO_PEOPLE, type ProviderPerson } from './people.ts'
export { signInThrough, type ScriptedSignIn, type SignedIn } from './scripted-sign-in.ts'
export { clientSecretFile, issuerFile, readProviderSecrets, type ProviderSecrets } from './secrets.ts'
export type { ProviderClient } from './server.ts'
export { startIdentityProvider, type RunningProvider, type StartProviderOptions } from './start.ts'
