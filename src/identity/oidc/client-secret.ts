import { readFile } from 'node:fs/promises'
import type { SignInProvider } from '../../declare/index.ts'
import { ProviderSignInError } from './errors.ts'

/** The secret of this system at the provider, read at each use, so that a new one is taken up. */
export async function readClientSecret({ id, clientSecret }: SignInProvider): Promise<string> {
  const text =
    'env' in clientSecret
      ? (process.env[clientSecret.env] ?? '')
      : await readFile(clientSecret.file, 'utf8').catch(() => '')
  const secret = text.replace(/\r?\n$/, '')
  if (secret !== '') return secret
  throw new ProviderSignInError('ERR_IDENTITY_PROVIDER_SECRET', `the client secret for ${id} is not there`)
}
