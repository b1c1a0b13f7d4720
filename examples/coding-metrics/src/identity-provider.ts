import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clientSecretFile, issuerFile } from '@surety-examples/identity-provider'
import type { OidcSignInProvider } from 'surety'
import { DEMO_PROVIDER } from './sign-in.ts'

/** This system at the provider. */
export const CLIENT_ID = 'coding-metrics'

/** Path where it sends people back to. */
export const CALLBACK_PATH = `/account/sign-in/with/${DEMO_PROVIDER}/callback`

/** Where the provider stands that `npm start` runs at the usual port. */
const USUAL_ISSUER = 'http://localhost:4009'

/** Folder of the demo's identity provider: beside this system's own. */
export function identityProviderFolder(dataDir: string): string {
  return join(dirname(dataDir), 'identity-provider')
}

/** The demo's identity provider, as the configuration names it. */
export function demoProvider(dataDir: string): OidcSignInProvider {
  const folder = identityProviderFolder(dataDir)
  return {
    kind: 'oidc',
    id: DEMO_PROVIDER,
    name: 'the demo’s provider',
    issuer: readIssuer(folder),
    clientId: CLIENT_ID,
    clientSecret: { file: clientSecretFile(folder, CLIENT_ID) },
  }
}

/** Its address is known once it has run; before that, a tool that only reads the configuration needs some. */
function readIssuer(folder: string): string {
  try {
    return readFileSync(issuerFile(folder), 'utf8')
  } catch {
    return USUAL_ISSUER
  }
}
