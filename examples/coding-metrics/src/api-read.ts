import { Hono, type Context } from 'hono'
import {
  ask,
  dayParameter,
  RequestRefused,
  unlessRefused,
  type Question,
  type Service,
} from './api-request.ts'
import { idParameter } from './api-write.ts'
import { readBeats, readProjects } from './heartbeat-store.ts'
import { toWire, WIRE_COLUMNS } from './heartbeat-wire.ts'
import { amountOf } from './metrics/amounts.ts'
import { addDays, startOfDay } from './metrics/calendar.ts'
import { givenRange, namedRange, type DayRange } from './metrics/range.ts'
import { clipRange, durations, neededInstants, statusBar, stats, summaries } from './metrics/reports.ts'
import { KEYSTROKE_TIMEOUT_MS, totalSeconds, type Beat } from './metrics/spans.ts'
import { decodeObject, readBody } from './wakatime/body.ts'

/** The questions editors and API clients ask about a person's own time, in the WakaTime API's shapes. */
export function readRoutes(service: Service): Hono {
  const routes = new Hono()
  const answer = (path: string, reply: (question: Question, c: Context) => Promise<object>) =>
    routes.get(path, async (c) => c.json(await reply(await ask(c, service), c)))

  answer('/users/:user', (question) => describePerson(question))
  answer('/users/:user/statusbar/today', async ({ db, person, now, zone, today }) =>
    statusBar(await beatsOfDays({ db, person }, { first: today, last: today, zone }), today, zone, now),
  )
  answer('/users/:user/summaries', async (question, c) => {
    const range = rangeParameter(c, question)
    return summaries(filterBranches(c, await beatsOfDays(question, range, c.req.query('project'))), range)
  })
  answer('/users/:user/durations', async (question, c) => {
    const date = dayParameter(c, 'date')
    const range = { first: date, last: date, zone: question.zone }
    const beats = await beatsOfDays(question, range, c.req.query('project'))
    return durations(filterBranches(c, beats), date, question.zone)
  })
  answer('/users/:user/stats/:range', async (question, c) => {
    const name = c.req.param('range') ?? ''
    const range = namedRange(name, question.now, question.zone)
    if (!range) throw new RequestRefused('ERR_WAKATIME_QUERY', 'range')
    const beats = await beatsOfDays(question, range, c.req.query('project'))
    const { id: user_id, displayName: username } = question.person
    return { data: { user_id, username, ...stats(beats, range, name) } }
  })
  answer('/users/:user/projects', (question) => listProjects(question))
  answer('/users/:user/heartbeats', (question, c) => listHeartbeats(question, heartbeatRange(c, question)))
  answer('/users/:user/heartbeats/:id', (question, c) => readHeartbeat(question, idParameter(c)))
  answer('/users/:user/teams', (question) => listTeams(question))
  answer('/users/:user/teams/:team/members', (question, c) =>
    listMembers(question, c.req.param('team') ?? ''),
  )
  answer('/users/:user/teams/:team/members/:id', async (question, c) => {
    const members = await listMembers(question, c.req.param('team') ?? '', idParameter(c))
    if (members.data.length === 0) throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
    return { data: members.data[0] }
  })
  routes.post('/users/current/file_experts', async (c) => {
    const question = await ask(c, service)
    return c.json(await fileExperts(question, unlessRefused(await readBody(c.req.raw))))
  })
  return routes
}

function beatsOfDays(
  { db, person }: Pick<Question, 'db' | 'person'>,
  range: DayRange,
  project?: string,
): Promise<Beat[]> {
  const filter = project === undefined || project === '' ? {} : { project }
  return readBeats(db, person.id, { ...neededInstants(range), ...filter })
}

function filterBranches(c: Context, beats: Beat[]): Beat[] {
  const names = (c.req.query('branches') ?? '').split(',').filter(Boolean)
  return names.length === 0 ? beats : beats.filter(({ branch }) => branch !== null && names.includes(branch))
}

function rangeParameter(c: Context, { now, zone }: Question): DayRange {
  const name = c.req.query('range')
  const [start, end] = [c.req.query('start'), c.req.query('end')]
  const range =
    start !== undefined && end !== undefined
      ? givenRange(start, end, zone)
      : name === undefined
        ? null
        : namedRange(name, now, zone)
  if (!range) throw new RequestRefused('ERR_WAKATIME_QUERY', 'start and end')
  return range
}

async function describePerson({ person, zone }: Question) {
  return {
    data: {
      id: person.id,
      email: person.email,
      display_name: person.displayName,
      full_name: person.displayName,
      username: null,
      timezone: zone,
      timeout: KEYSTROKE_TIMEOUT_MS / 60_000,
      writes_only: false,
      has_premium_features: false,
      created_at: person.createdAt.toISOString(),
    },
  }
}

async function listProjects({ db, person }: Question) {
  const projects = await readProjects(db, person.id)
  return {
    data: projects.map(({ project, first, last }) => ({
      // A project is its name: there is no other identifier to give away.
      id: project,
      name: project,
      first_heartbeat_at: first.toISOString(),
      last_heartbeat_at: last.toISOString(),
    })),
    total: projects.length,
    page: 1,
    total_pages: 1,
    prev_page: null,
    next_page: null,
  }
}

/** One `date`, as the WakaTime API has it, or any `start` and `end`. */
function heartbeatRange(c: Context, question: Question): DayRange {
  if (c.req.query('start') !== undefined) return rangeParameter(c, question)
  const date = dayParameter(c, 'date')
  return { first: date, last: date, zone: question.zone }
}

async function listHeartbeats({ db, person, zone }: Question, { first, last }: DayRange) {
  const [start, end] = [startOfDay(first, zone), startOfDay(addDays(last, 1), zone)]
  const rows = await db
    .selectFrom('heartbeats')
    .select(WIRE_COLUMNS)
    .where('personId', '=', person.id)
    .where('time', '>=', new Date(start))
    .where('time', '<', new Date(end))
    .orderBy('time')
    .execute()
  return {
    data: rows.map(toWire),
    start: new Date(start).toISOString(),
    end: new Date(end - 1000).toISOString(),
    timezone: zone,
  }
}

/** Whose it may be, the asking person's role decides: no condition here says it. */
async function readHeartbeat({ db }: Question, id: string) {
  const row = await db.selectFrom('heartbeats').select(WIRE_COLUMNS).where('id', '=', id).executeTakeFirst()
  if (!row) throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
  return { data: toWire(row) }
}

async function listTeams({ db, person }: Question) {
  const team = await db
    .selectFrom('teams')
    .select(['teamId', 'name'])
    .where('teamId', '=', person.teamId)
    .executeTakeFirst()
  return { data: team ? [{ id: team.teamId, name: team.name }] : [] }
}

/** Whom the asking person may see: what of the team their roles let them. */
async function listMembers({ db, person }: Question, team: string, only?: string) {
  if (team !== 'current' && team !== person.teamId) throw new RequestRefused('ERR_WAKATIME_NOT_FOUND')
  let query = db.selectFrom('people').select(['personId', 'displayName', 'email'])
  if (only !== undefined) query = query.where('personId', '=', only)
  const rows = await query.execute()
  return {
    data: rows.map(({ personId, displayName, email }) => ({
      id: personId,
      full_name: displayName,
      email,
      is_current_user: personId === person.id,
    })),
  }
}

const EXPERT_DAYS = 90

/** How long the person worked on one file in the last 90 days; other people are not compared. */
async function fileExperts({ db, person, zone, today }: Question, bytes: Uint8Array) {
  const { entity, project } = unlessRefused(decodeObject(bytes)).object
  if (typeof entity !== 'string') throw new RequestRefused('ERR_HEARTBEAT_TYPE', 'entity')
  const range = { first: addDays(today, -EXPERT_DAYS), last: today, zone }
  const named = typeof project === 'string' ? project : undefined
  const spans = clipRange(await beatsOfDays({ db, person }, range, named), range)
  const { decimal, digital, text, total_seconds } = amountOf(
    totalSeconds(spans.filter(({ beat }) => beat.entity === entity)),
  )
  const { id, displayName } = person
  return {
    data: [
      {
        total: { decimal, digital, text, total_seconds },
        user: { id, is_current_user: true, long_name: displayName, name: displayName },
      },
    ],
  }
}
