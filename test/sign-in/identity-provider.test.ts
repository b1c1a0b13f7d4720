import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  clientSecretFile,
  DEMO_PEOPLE,
  signInThrough,
  startIdentityProvider,
  type RunningProvider,
} from '../../examples/identity-provider/src/index.ts'
import { serveNode, type RunningServer } from '../../src/http/node.ts'
import { manualClock, systemClock } from '../../src/kernel/index.ts'
import { testSignIn } from '../../src/identity/testing/browser.ts'
import type { ProviderSignIn, VerifiedIdentity } from '../../src/identity/oidc/provider-sign-in.ts'

// The whole way over HTTP against a real OpenID provider, which nobody here wrote.
const NOW = Date.parse('2031-03-01T09:00:00Z')
const CALLBACK = '/account/sign-in/demo/callback'

let folder: string
let provider: RunningProvider
let site: RunningServer
let signIn: ProviderSignIn
let finished: (VerifiedIdentity | { code: string })[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-provider-'))
  const clock = manualClock(NOW)
  const clients = [{ id: 'system', callbackPath: CALLBACK }]
  provider = await startIdentityProvider({ port: 0, dataDir: folder, clients, clock })
  finished = []
  site = await serveNode({ port: 0, fetch: serve })
  const url = `http://localhost:${site.port}`
  const config = {
    kind: 'oidc',
    id: 'demo',
    name: 'Demo',
    issuer: provider.issuer,
    clientId: 'system',
    clientSecret: { file: clientSecretFile(folder, 'system') },
  } as const
  signIn = testSignIn([config], clock, url)
})
afterAll(async () => {
  await site?.close()
  await provider?.close()
  await rm(folder, { recursive: true })
})

async function serve(request: Request): Promise<Response> {
  const url = new URL(request.url)
  if (url.pathname === '/begin') {
    const { searchParams: asked } = url
    const { location, cookie } = await signIn.begin('demo', asked.get('to'), asked.get('confirms'))
    return new Response(null, { status: 303, headers: { location, 'set-cookie': cookie } })
  }
  if (url.pathname === CALLBACK) {
    try {
      const { identity, returnTo } = await signIn.finish('demo', request)
      finished.push(identity)
      return new Response(null, { status: 303, headers: { location: returnTo } })
    } catch (error) {
      finished.push(error as { code: string })
    }
  }
  return new Response('here')
}

const start = () => `http://localhost:${site.port}/begin?to=/team`

describe('the demo’s identity provider', () => {
  it('signs each of its people in, by a clock years ahead of the machine’s', async () => {
    for (const { sub, name, email } of DEMO_PEOPLE) {
      const { url } = await signInThrough({ start: start(), sub })
      expect(url).toBe(`http://localhost:${site.port}/team`)
      expect(finished.at(-1)).toEqual({
        provider: 'demo',
        issuer: provider.issuer,
        subject: sub,
        email,
        emailVerified: true,
        name,
        authenticatedAt: null,
      })
    }
  })

  it('asks anew whom it is told to, and says when it did', async () => {
    await signInThrough({ start: `${start()}&confirms=somebody`, sub: 'person-ada' })
    expect(finished.at(-1)).toMatchObject({ subject: 'person-ada', authenticatedAt: NOW })
  })

  it('signs nobody in who goes back', async () => {
    await signInThrough({ start: start(), sub: '' })
    expect(finished.at(-1)).toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_REFUSED' })
  })

  it('knows people that were added, with an address it did not verify', async () => {
    await provider.add({ sub: 'late', name: 'Late', email: 'ada@codetime.example', emailVerified: false })
    await signInThrough({ start: start(), sub: 'late' })
    expect(finished.at(-1)).toMatchObject({ subject: 'late', emailVerified: false })
  })

  it('is refused by a system whose clock is not the provider’s', async () => {
    const config = {
      kind: 'oidc',
      id: 'demo',
      name: 'Demo',
      issuer: provider.issuer,
      clientId: 'system',
    } as const
    const honest = signIn
    const clientSecret = { file: clientSecretFile(folder, 'system') }
    signIn = testSignIn([{ ...config, clientSecret }], systemClock, `http://localhost:${site.port}`)
    await signInThrough({ start: start(), sub: 'person-ada' })
    signIn = honest
    expect(finished.at(-1)).toMatchObject({ code: 'ERR_IDENTITY_PROVIDER_TOKEN' })
  })

  it('keeps its keys and client secrets for its owner’s eyes, across a restart', async () => {
    expect((await stat(join(folder, 'identity-provider.json'))).mode & 0o077).toBe(0)
    const again = await startIdentityProvider({ port: 0, dataDir: folder, clients: [] })
    expect(again.secrets).toEqual(provider.secrets)
    await again.close()
  })

  it('answers under its own name only, and adds nobody for whom knows no token', async () => {
    const { port } = new URL(provider.issuer)
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(421)
    const body = JSON.stringify({ sub: 'intruder' })
    expect((await fetch(`${provider.issuer}/people`, { method: 'POST', body })).status).toBe(404)
  })

  it('says that its port is taken', async () => {
    const { port } = new URL(provider.issuer)
    await expect(startIdentityProvider({ port: Number(port), dataDir: folder, clients: [] })).rejects.toThrow(
      `cannot start on port ${port}`,
    )
  })
})
