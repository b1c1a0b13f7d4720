// A protocol double of an OAuth provider in GitHub's form: no discovery, no ID token, no `iss`, a user
// endpoint with a numeric id, and a list of addresses.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { github, type OAuthSignInProvider, type SecretSource } from '../../declare/index.ts'

export interface GithubDouble {
  readonly provider: OAuthSignInProvider
  user: object
  emails: unknown
  authorize(location: string): string
  close(): Promise<void>
}

export async function startGithubDouble(clientSecret: SecretSource): Promise<GithubDouble> {
  const codes = new Set<string>()
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://double.invalid').pathname
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(pieces).toString('utf8'))
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify(reply(path, form, request.headers.authorization)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const double: GithubDouble = {
    provider: {
      ...github({ clientId: 'client', clientSecret }),
      issuer: `${origin}/login/oauth`,
      authorizationEndpoint: `${origin}/login/oauth/authorize`,
      tokenEndpoint: `${origin}/login/oauth/access_token`,
      userEndpoint: `${origin}/user`,
      emailsEndpoint: `${origin}/user/emails`,
    },
    user: { id: 583231, login: 'ada', name: 'Ada' },
    emails: [
      { email: 'old@codetime.example', primary: false, verified: true },
      { email: 'ada@codetime.example', primary: true, verified: true },
    ],
    authorize(location) {
      const asked = new URL(location).searchParams
      const back = new URL(asked.get('redirect_uri') ?? '')
      const code = `code-${codes.size}`
      codes.add(code)
      back.searchParams.set('code', code)
      back.searchParams.set('state', asked.get('state') ?? '')
      return back.href
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  function reply(path: string, form: URLSearchParams, authorization: string | undefined): unknown {
    if (path === '/login/oauth/access_token') {
      // It answers 200 to a code that it does not know.
      const known = codes.delete(form.get('code') ?? '')
      if (!known)
        return { error: 'bad_verification_code', error_description: 'The code is incorrect or expired.' }
      return { access_token: 'gho_access', token_type: 'bearer', scope: 'read:user,user:email' }
    }
    if (authorization !== 'Bearer gho_access') return { message: 'Bad credentials' }
    return path === '/user' ? double.user : double.emails
  }
  return double
}
