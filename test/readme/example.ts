import { defineSurety, field, openSurety, resource } from 'surety'
import { Hono } from 'hono'
import type { Principal } from 'surety'
import { problemHandler, type SuretyEnv } from 'surety/hono'

const app = new Hono<SuretyEnv & { Variables: { principal: Principal } }>()
const logger = console

const heartbeats = resource({
  name: 'heartbeats', subject: 'personId', tenant: 'teamId',
  purpose: 'show people how their coding time is spent', basis: 'contract', retention: 'account',
  undeclared: 'drop',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    entity: field.text('path of the open file', { max: 4096 }),           // sealed: the default
    project: field.text('project name', { max: 255, index: 'blind' }),    // sealed, can be grouped by
    time: field.timestamp('when the editor was used', { clear: 'ranges in SQL' }),
  },
})
const surety = await openSurety(defineSurety({
  name: 'Codetime', origin: 'codetime.example', page: './security.md', resources: { heartbeats },
  roles: { member: ['heartbeats:*:own'], lead: ['heartbeats:read:tenant'] },
}))
app.use(surety.protect())                                                  // Hono: headers, limits, log
app.post('/heartbeats', async (c) => {
  await surety.as(c.var.principal).db.insertInto('heartbeats').values(await c.req.json()).execute()
  return c.body(null, 201)                                                 // validated, sealed, permitted — or refused
})
app.onError(problemHandler({ name: 'Codetime', hasSecurityTxt: true, logger }))  // errors that show nothing of the inside
app.route('/', surety.routes())                                            // page, evidence, security.txt
