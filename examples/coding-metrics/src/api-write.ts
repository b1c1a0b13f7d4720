import { Hono, type Context } from 'hono'
import { authenticate, RequestRefused, unlessRefused, type Service } from './api-request.ts'
import type { Person } from './people.ts'
import { decodeBody, decodeObject, readBody } from './wakatime/body.ts'
import { MAX_HEARTBEATS, parseCorrection, parseHeartbeat, type Accepted } from './wakatime/heartbeat.ts'
import { refuse, type Refusal } from './wakatime/refusal.ts'
import { bulkReply, replyToItem, type Outcome } from './wakatime/replies.ts'

/**
 * The routes that take, correct and delete heartbeats. A request is read and judged whole before anything is stored;
 * then all its acceptable heartbeats are stored in one transaction.
 */
export function writeRoutes(service: Service): Hono {
  const routes = new Hono()
  const take = async (c: Context) => {
    const person = await authenticate(c, service.backend)
    const body = unlessRefused(decodeBody(unlessRefused(await readBody(c.req.raw))))
    const outcomes = await storeAll(service, person, judge(c, body.items, service.clock.now()))
    if (!body.single) return c.json(bulkReply(outcomes), 202)
    // One heartbeat and no array: the reply says it both ways, as the two kinds of client expect.
    const [reply, status] = replyToItem(outcomes[0]!)
    return c.json({ ...reply, ...bulkReply(outcomes) }, status)
  }
  routes.post('/users/current/heartbeats', take)
  routes.post('/users/current/heartbeats.bulk', take)
  routes.delete('/users/current/heartbeats/:id', async (c) => {
    const person = await authenticate(c, service.backend)
    const { db } = service.backend.as(person.principal)
    const deleted = await db.deleteFrom('heartbeats').where('id', '=', idParameter(c)).executeTakeFirst()
    if (deleted.numDeletedRows === 0n) throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
    return c.body(null, 204)
  })
  routes.put('/users/current/heartbeats/:id', async (c) => {
    const person = await authenticate(c, service.backend)
    const body = unlessRefused(decodeObject(unlessRefused(await readBody(c.req.raw))))
    const correction = unlessRefused(parseCorrection(body.object))
    const { db } = service.backend.as(person.principal)
    const update = db.updateTable('heartbeats').set(correction).where('id', '=', idParameter(c))
    const { numUpdatedRows } = await update.executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
    return c.body(null, 204)
  })
  return routes
}

/** The `:id` of a row. @throws RequestRefused 404 for what cannot be one */
export function idParameter(c: Context): string {
  const id = c.req.param('id') ?? ''
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
  return id
}

function judge(c: Context, items: readonly unknown[], now: number): (Accepted | Refusal)[] {
  const headers = {
    machine: c.req.header('x-machine-name') ?? null,
    timeZone: c.req.header('timezone') ?? null,
    userAgent: c.req.header('user-agent') ?? null,
  }
  return items.map((item, i) =>
    i < MAX_HEARTBEATS ? parseHeartbeat(item, headers, now) : refuse('ERR_HEARTBEAT_SURPLUS'),
  )
}

async function storeAll(
  { heartbeats }: Service,
  person: Person,
  judged: readonly (Accepted | Refusal)[],
): Promise<Outcome[]> {
  const accepted = judged.filter((result): result is Accepted => 'heartbeat' in result)
  const stored = (await heartbeats.add(person, accepted)).values()
  return judged.map((result) => ('heartbeat' in result ? stored.next().value! : { refusal: result }))
}
