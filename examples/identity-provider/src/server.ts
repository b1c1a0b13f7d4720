import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  Provider,
  interactionPolicy,
  type Configuration,
  type JWK,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { renderMarkup, STYLESHEET } from 'surety/ui'
import { memoryAdapter } from './memory-adapter.ts'
import { choosePersonPage, plainPage, PROVIDER_STYLES } from './pages.ts'
import type { ProviderPerson } from './people.ts'
import type { ProviderSecrets } from './secrets.ts'

/** A system that signs people in through the provider. */
export interface ProviderClient {
  readonly id: string
  /** Path on the system where the answer is taken; its port may be any, as RFC 8252 §7.3 has it for loopback. */
  readonly callbackPath: string
}

export interface ProviderOptions {
  /** TCP port on loopback; 0 takes a free one. */
  readonly port: number
  readonly secrets: ProviderSecrets
  readonly clients: readonly ProviderClient[]
  readonly people: readonly ProviderPerson[]
}

const MAX_BODY_BYTES = 4_096
const INTERACTION = /^\/interaction\/([A-Za-z0-9_-]{1,64})$/

/** Runs the provider in this thread, by this thread's clock. */
export async function serveProvider(options: ProviderOptions): Promise<{ issuer: string; server: Server }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const people = new Map(options.people.map((person) => [person.sub, person]))
  const provider = new Provider(issuer, configuration(options, people))
  provider.use(async (ctx, next) => {
    protect(ctx)
    if (ctx.host !== new URL(issuer).host)
      return answer(ctx, 421, plainPage('Wrong host', `This is ${issuer}.`))
    return (await ownRoutes(ctx, provider, options, people)) ? undefined : next()
  })
  const handle = provider.callback()
  server.on('request', (request, response) => void handle(request, response))
  return { issuer, server }
}

function configuration(
  { secrets, clients }: ProviderOptions,
  people: ReadonlyMap<string, ProviderPerson>,
): Configuration {
  return {
    adapter: memoryAdapter(),
    clients: clients.map(({ id, callbackPath }) => ({
      client_id: id,
      client_secret: secrets.clients[id] ?? '',
      application_type: 'native',
      redirect_uris: [`http://localhost${callbackPath}`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })),
    jwks: { keys: [...secrets.signingKeys] as JWK[] },
    cookies: {
      keys: [...secrets.cookieKeys],
      names: {
        session: 'identity-provider-session',
        interaction: 'identity-provider-interaction',
        resume: 'identity-provider-resume',
      },
    },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    ttl: {
      AuthorizationCode: 60,
      AccessToken: 300,
      IdToken: 300,
      Interaction: 3_600,
      Session: 3_600,
      Grant: 3_600,
    },
    interactions: { policy: askWhoItIs(), url: (_, { uid }) => `/interaction/${uid}` },
    loadExistingGrant: grantEverything,
    findAccount: (_, sub) => {
      const person = people.get(sub)
      if (!person) return undefined
      const { email, emailVerified, name } = person
      return { accountId: sub, claims: async () => ({ sub, email, email_verified: emailVerified, name }) }
    },
    renderError: (ctx, { error }) =>
      answer(ctx, 400, plainPage('That did not work', `The request was refused: ${error}.`)),
  }
}

/** Asks at every sign-in who it is: whoever tries the demo changes person often. The demo's systems need no consent. */
function askWhoItIs() {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  const { Check } = interactionPolicy
  policy
    .get('login')
    ?.checks.add(
      new Check('choose', 'who it is has to be said', ({ oidc }) =>
        oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
      ),
    )
  return policy
}

async function grantEverything({ oidc }: KoaContextWithOIDC) {
  const grant = new oidc.provider.Grant({
    clientId: oidc.client!.clientId,
    accountId: oidc.session!.accountId!,
  })
  grant.addOIDCScope('openid email profile')
  await grant.save()
  return grant
}

type Context = Parameters<Parameters<Provider['use']>[0]>[0]

/** Headers of every response. The sign-in form ends on the system that asked, so its origin stands in the policy. */
function protect(ctx: Context): void {
  ctx.set({
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http://localhost:*",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  })
}

function answer(ctx: Context, status: number, page: ReturnType<typeof plainPage>): void {
  ctx.status = status
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = renderMarkup(page)
}

/** True where the request was for one of the pages of our own. */
async function ownRoutes(
  ctx: Context,
  provider: Provider,
  { people: known, secrets }: ProviderOptions,
  people: Map<string, ProviderPerson>,
): Promise<boolean> {
  if (ctx.method === 'GET' && ctx.path === '/') {
    answer(
      ctx,
      200,
      plainPage('The demo’s identity provider', 'Open one of the demo’s systems and sign in there.'),
    )
    return true
  }
  if (ctx.method === 'GET' && (ctx.path === STYLESHEET.path || ctx.path === '/provider.css')) {
    ctx.type = 'text/css; charset=utf-8'
    ctx.body = ctx.path === '/provider.css' ? PROVIDER_STYLES : STYLESHEET.text
    return true
  }
  if (ctx.path === '/people') {
    await changePeople(ctx, secrets.peopleToken, people)
    return true
  }
  if (!INTERACTION.test(ctx.path)) return false
  if (ctx.method === 'GET') await ask(ctx, provider, known)
  else await take(ctx, provider, people)
  return true
}

async function ask(ctx: Context, provider: Provider, people: readonly ProviderPerson[]): Promise<void> {
  const { params } = await provider.interactionDetails(ctx.req, ctx.res)
  const askedBy = new URL(String(params['redirect_uri'])).host
  answer(ctx, 200, choosePersonPage({ people, askedBy, action: ctx.path }))
}

async function take(
  ctx: Context,
  provider: Provider,
  people: ReadonlyMap<string, ProviderPerson>,
): Promise<void> {
  await provider.interactionDetails(ctx.req, ctx.res)
  const sub = new URLSearchParams(await readText(ctx.req)).get('person') ?? ''
  const result = people.has(sub)
    ? { login: { accountId: sub } }
    : { error: 'access_denied', error_description: 'nobody signed in' }
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result))
  ctx.status = 303
}

/** Adds or removes somebody: `{ sub, name, email, emailVerified }`, for whoever knows the token. */
async function changePeople(ctx: Context, token: string, people: Map<string, ProviderPerson>): Promise<void> {
  if (!sameSecret(ctx.get('authorization'), `Bearer ${token}`)) {
    ctx.status = 404
    return
  }
  const { sub, name, email, emailVerified } = JSON.parse(await readText(ctx.req)) as Partial<ProviderPerson>
  if (typeof sub !== 'string' || sub === '') ctx.throw(400)
  if (ctx.method === 'DELETE') people.delete(sub)
  else
    people.set(sub, {
      sub,
      name: name ?? sub,
      email: email ?? '',
      emailVerified: emailVerified === true,
      about: '',
    })
  ctx.status = 204
}

function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function readText(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError('the form is too long')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
