import { Hono, type Context } from 'hono'
import { ask, RequestRefused, type Question, type Service } from './api-request.ts'
import type { Database } from './backend.ts'
import { toWire, WIRE_COLUMNS } from './heartbeat-wire.ts'

/** Heartbeats that are read at once: a year of a team is more than a process should hold. */
const PAGE_ROWS = 1_000

/**
 * What people take along, as one JSON document: their own, or all of their team that their roles let them
 * read, which an administrator's do.
 */
export function exportRoutes(service: Service): Hono {
  const routes = new Hono()
  routes.get('/users/:user/export', async (c) => {
    const question = await ask(c, service)
    return download(c, question, question.person.id)
  })
  routes.get('/users/:user/teams/:team/export', async (c) => {
    const question = await ask(c, service)
    const team = c.req.param('team')
    if (team !== 'current' && team !== question.person.teamId)
      throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
    return download(c, question, null)
  })
  return routes
}

/** @param only whose rows; null: everybody's whom the asking person may see */
async function download(c: Context, { db, now }: Question, only: string | null): Promise<Response> {
  const about = {
    exported_at: new Date(now).toISOString(),
    people: await peopleOf(db, only),
  }
  const pages = heartbeatsOf(db, only)
  // Who may not read them is told so before the answer begins.
  const first = await pages.next()
  return c.body(streamOf(documentOf(about, first.value ?? [], pages)), 200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Disposition': 'attachment; filename="codetime.json"',
  })
}

async function peopleOf(db: Database, only: string | null) {
  const columns = ['personId as id', 'email', 'displayName as full_name', 'createdAt as created_at'] as const
  const people = db.selectFrom('people').select(columns)
  return (only === null ? people : people.where('personId', '=', only)).execute()
}

type Page = Awaited<ReturnType<typeof pageAfter>>

async function* heartbeatsOf(db: Database, only: string | null): AsyncGenerator<Page, undefined> {
  for (let last: string | null = null; ;) {
    const page: Page = await pageAfter(db, only, last)
    yield page
    if (page.length < PAGE_ROWS) return
    last = page.at(-1)!.id
  }
}

function pageAfter(db: Database, only: string | null, last: string | null) {
  let rows = db.selectFrom('heartbeats').select([...WIRE_COLUMNS, 'personId', 'timeZone'])
  if (only !== null) rows = rows.where('personId', '=', only)
  if (last !== null) rows = rows.where('id', '>', last)
  return rows.orderBy('id').limit(PAGE_ROWS).execute()
}

async function* documentOf(about: object, first: Page, rest: AsyncIterable<Page>): AsyncGenerator<string> {
  yield `${JSON.stringify(about).slice(0, -1)},"heartbeats":[${textOf(first)}`
  for await (const page of rest) if (page.length > 0) yield `,${textOf(page)}`
  yield ']}'
}

function textOf(page: Page): string {
  return page
    .map(({ personId, timeZone, ...row }) =>
      JSON.stringify({ ...toWire(row), person_id: personId, timezone: timeZone }),
    )
    .join()
}

function streamOf(texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await texts.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
      await texts.return(undefined)
    },
  })
}
