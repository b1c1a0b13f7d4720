import { Hono } from 'hono'
import { GROUP_SCHEMA, USER_SCHEMA } from '../../identity/index.ts'
import { scim, scimList, type ScimEnv } from './answers.ts'
import type { ScimDeps } from './scim-routes.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'
const NO = { supported: false } as const

/** What this service provider does and does not (RFC 7643 §5 to §7). */
export function discoveryRoutes({ url }: Pick<ScimDeps, 'url'>): Hono<ScimEnv> {
  const app = new Hono<ScimEnv>()
  const at = (path: string): string => `${url()}/scim/v2/${path}`
  app.get('/scim/v2/ServiceProviderConfig', (c) =>
    scim(c, {
      schemas: [`${CORE}:ServiceProviderConfig`],
      patch: { supported: true },
      bulk: { ...NO, maxOperations: 0, maxPayloadSize: 0 },
      filter: { supported: true, maxResults: 100 },
      changePassword: NO,
      sort: NO,
      etag: NO,
      authenticationSchemes: [
        { type: 'oauthbearertoken', name: 'Bearer token', description: 'A token made for this directory' },
      ],
      meta: { resourceType: 'ServiceProviderConfig', location: at('ServiceProviderConfig') },
    }),
  )
  const types = [
    { id: 'User', endpoint: '/Users', schema: USER_SCHEMA },
    { id: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
  ].map((type) => ({
    schemas: [`${CORE}:ResourceType`],
    ...type,
    name: type.id,
    meta: { resourceType: 'ResourceType', location: at(`ResourceTypes/${type.id}`) },
  }))
  app.get('/scim/v2/ResourceTypes', (c) => scimList(c, { total: types.length, start: 1, resources: types }))
  app.get('/scim/v2/Schemas', (c) => scimList(c, { total: SCHEMAS.length, start: 1, resources: SCHEMAS }))
  return app
}

const attribute = (name: string, more: object = {}) => ({
  ...{ name, type: 'string', multiValued: false, required: false, caseExact: false },
  ...{ mutability: 'readWrite', returned: 'default', uniqueness: 'none', ...more },
})

/** The attributes that are kept here (RFC 7643 §7). */
const SCHEMAS = [
  {
    schemas: [`${CORE}:Schema`],
    id: USER_SCHEMA,
    name: 'User',
    attributes: [
      attribute('userName', { required: true, uniqueness: 'server', mutability: 'immutable' }),
      attribute('displayName'),
      attribute('active', { type: 'boolean' }),
    ],
  },
  {
    schemas: [`${CORE}:Schema`],
    id: GROUP_SCHEMA,
    name: 'Group',
    attributes: [
      attribute('displayName', { required: true, uniqueness: 'server' }),
      attribute('members', {
        type: 'complex',
        multiValued: true,
        subAttributes: [attribute('value', { mutability: 'immutable' })],
      }),
    ],
  },
]
