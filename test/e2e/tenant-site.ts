import { Hono } from 'hono'
import type { Principal } from '../../src/access/index.ts'
import { field, resource, type ResourceMap } from '../../src/declare/index.ts'
import { protection, serveNode, tenantRoutes, type SuretyEnv } from '../../src/http/index.ts'
import { HOME, openWorld, resources, roles, type World } from '../../src/tenants/testing/world.ts'
import { STYLESHEET } from '../../src/ui/index.ts'

export interface RunningTenantSite {
  readonly url: string
  readonly world: World
  /** Gives somebody a name that the pages show. */
  call(person: Principal, name: string): void
  close(): Promise<void>
}

/** As many kinds of data as a real product has, some with long names. */
function manyResources(): ResourceMap {
  const names = [
    'builds',
    'build_steps',
    'comments',
    'device_registrations',
    'exports_of_whole_projects',
    'goals',
  ]
  return Object.fromEntries(
    names.map((name) => [
      name,
      resource({
        name,
        subject: 'personId',
        tenant: 'teamId',
        purpose: 'to show pages with much on them',
        basis: 'contract',
        retention: 'account',
        undeclared: 'refuse',
        fields: {
          personId: field.id(),
          teamId: field.id(),
          title: field.text('title', { max: 100 }),
          descriptionOfTheWholeThing: field.text('description', { max: 1000 }),
          startedAt: field.timestamp('when it began'),
        },
      }),
    ]),
  )
}

/** The pages of an organisation on a real server, over a real database; the cookie `who` says who is signed in. */
export async function startTenantSite(): Promise<RunningTenantSite> {
  const more = manyResources()
  const world = await openWorld(more)
  const { clock, tenants } = world
  const names = new Map<string, string>()
  const logger = { info() {}, warn() {}, error() {} }
  const app = new Hono<SuretyEnv>()
  let url = ''
  app.use('*', protection({ clock, logger }))
  app.get(STYLESHEET.path, (c) => c.body(STYLESHEET.text, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
  app.route(
    '/',
    tenantRoutes({
      site: {
        name: 'Codetime',
        get url() {
          return url
        },
      },
      config: { resources: { ...resources, ...more }, roles },
      tenants,
      clock,
      signInPath: '/account/sign-in',
      namesOf: async (personIds) => new Map([...names].filter(([id]) => personIds.includes(id))),
      async visit(request) {
        const [, id] = /who=([0-9a-f-]{36})/.exec(request.headers.get('cookie') ?? '') ?? []
        const principal = id === undefined ? null : await tenants.principalOf(id, { address: HOME })
        return principal && { principal, form: `form-of-${principal.id}`, address: HOME }
      },
    }),
  )
  const server = await serveNode({ fetch: app.fetch, port: 0 })
  url = server.url
  return {
    url,
    world,
    call: (person, name) => void names.set(person.id, name),
    async close() {
      await server.close()
      await world.close()
    },
  }
}
