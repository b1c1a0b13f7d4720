import {
  badge,
  card,
  dataTable,
  exactTime,
  html,
  link,
  notice,
  pageHeading,
  type Child,
  type Markup,
  type Tone,
} from '../../ui/index.ts'
import { LEAST_STAFF } from '../../access/index.ts'
import type { GlassCase } from '../glass.ts'
import type { GrantRecord } from '../grant-records.ts'
import type { StaffStanding } from '../staff.ts'
import { CONSOLE_PATHS, staffFrame, type StaffFrame } from './frame.ts'

/** A promise as the console lists it. */
export interface ListedPromise {
  readonly sentence: string
  readonly status: 'kept' | 'broken' | 'unproven'
}

/** Somebody at the database directly. */
export interface ListedStranger {
  readonly kind: 'role' | 'session'
  readonly role: string
  readonly program: string | null
}

export interface ConsoleViewOptions extends StaffFrame {
  readonly grants: readonly GrantRecord[]
  readonly standing: StaffStanding
  readonly promises: readonly ListedPromise[]
  readonly strangers: readonly ListedStranger[]
  readonly now: number
}

/** `/console`: what needs attention first, then grants, reviews and promises. */
export function consoleView(options: ConsoleViewOptions): Markup {
  const { grants, standing, promises, now } = options
  return staffFrame(options, {
    title: 'Console',
    current: CONSOLE_PATHS.home,
    console: true,
    content: [
      pageHeading({ title: 'Console', lead: 'What needs attention, who has access, and what we promise.' }),
      attentionCard(options),
      card({
        title: 'Grants',
        aside: link(CONSOLE_PATHS.request, 'Ask for access'),
        body: grantTable(grants, now),
      }),
      card({ title: 'Reviews', body: reviewTable(standing.glass) }),
      card({
        title: 'Promises',
        aside: link('/security', 'The security page'),
        body: promiseTable(promises),
      }),
    ],
  })
}

/** One thing that needs somebody: how badly, in a word, what it is, and where it is dealt with. */
interface Item {
  readonly tone: Tone
  readonly word: string
  readonly what: Child
}

function attentionCard(options: ConsoleViewOptions): Markup {
  const items = [
    ...glassItems(options),
    ...brokenItems(options),
    ...grantItems(options),
    ...staffItems(options),
  ].toSorted((one, other) => Number(other.tone === 'bad') - Number(one.tone === 'bad'))
  return card({
    title: 'Needs attention',
    body:
      items.length === 0
        ? notice('good', 'Nothing needs attention.')
        : html`<ul class="attention">${items.map(
            ({ tone, word, what }) => html`<li>${badge(tone, word)}<div dir="auto">${what}</div></li>`,
          )}</ul>`,
  })
}

const CASES: Readonly<Record<GlassCase['state'], Omit<Item, 'what'> & { readonly says: string }>> = {
  lost: {
    tone: 'bad',
    word: 'Lost',
    says: 'A grant with broken glass is gone from the database, or changed in it',
  },
  unjustified: {
    tone: 'bad',
    word: 'Unjustified',
    says: 'Broken glass was not justified: write down what followed',
  },
  overdue: { tone: 'bad', word: 'Overdue', says: 'Broken glass was not reviewed in time' },
  due: { tone: 'unsure', word: 'Review', says: 'Broken glass waits for its review' },
}

function glassItems({ standing }: ConsoleViewOptions): Item[] {
  return standing.glass.map(({ state, grant, reviewBy }) => {
    const { says, ...how } = CASES[state]
    // What is lost has no page.
    const due = state === 'due' || state === 'overdue' ? [', due by ', exactTime(reviewBy)] : null
    return { ...how, what: [state === 'lost' ? says : link(pathOf(grant), says), due] }
  })
}

function brokenItems({ promises, strangers }: ConsoleViewOptions): Item[] {
  const broken = promises.filter(({ status }) => status === 'broken')
  return [
    ...strangers.map(({ kind, role, program }): Item => {
      const who = program ? ` (${program})` : ''
      const session = `Somebody is at the database directly, as ${role}${who}`
      const what = kind === 'role' ? `The database role ${role} is not declared` : session
      return { tone: 'bad', word: 'Database', what }
    }),
    ...broken.map(({ sentence }): Item => ({
      tone: 'bad',
      word: 'Broken',
      what: link('/security', sentence),
    })),
  ]
}

function grantItems({ grants, now }: ConsoleViewOptions): Item[] {
  const waiting = grants.filter(({ state, grant }) => state === 'waiting' && grant.until > now)
  return waiting.map(({ id, grant }) => ({
    tone: 'unsure',
    word: 'Decide',
    what: [link(pathOf(id), `${grant.role} asks for access`), `: ${grant.purpose}`],
  }))
}

function staffItems({ standing }: ConsoleViewOptions): Item[] {
  const { active, founders, enough, unverified } = standing
  const few: Item = {
    tone: 'unsure',
    word: 'Staff',
    what:
      active < LEAST_STAFF
        ? `${active} members of staff are active and have a passkey: with fewer than three nobody is left to review`
        : `All members of staff go back to ${founders} founder: nobody signs for anybody until a second one is named at the command line`,
  }
  const refused: Item = {
    tone: 'bad',
    word: 'Refused',
    what: `${unverified} open grants do not hold: their approval, or an account, is no longer what it was`,
  }
  return [...(unverified > 0 ? [refused] : []), ...(enough ? [] : [few])]
}

export function pathOf(id: string): string {
  return `/console/grants/${id}`
}

/** Kinds of grants in words. */
export const KINDS: Readonly<Record<GrantRecord['grant']['kind'], string>> = {
  support: 'support',
  impersonation: 'impersonation',
  'break-glass': 'broken glass',
}

/** Where a grant stands, in a word. */
export function stateOf({ state, grant }: GrantRecord, now: number): { tone: Tone; word: string } {
  if (state === 'open' && grant.until > now) return { tone: 'good', word: 'open' }
  if (state === 'waiting' && grant.until > now) return { tone: 'unsure', word: 'waiting' }
  return { tone: 'neutral', word: state === 'refused' ? 'refused' : 'ended' }
}

/** A word that is not broken while there is room. */
function whole(word: string): Markup {
  return html`<span class="word">${word}</span>`
}

function grantTable(grants: readonly GrantRecord[], now: number): Markup {
  if (grants.length === 0) return html`<p>Nobody has asked for access yet.</p>`
  return dataTable<GrantRecord>({
    caption: 'Grants, the newest first',
    hideCaption: true,
    columns: [
      { header: 'For', cell: ({ id, grant }) => link(pathOf(id), grant.purpose) },
      { header: 'Kind', cell: ({ grant }) => whole(KINDS[grant.kind]) },
      { header: 'Role', cell: ({ grant }) => whole(grant.role) },
      { header: 'Until', cell: ({ grant }) => exactTime(grant.until) },
      {
        header: 'State',
        cell: (record) => {
          const { tone, word } = stateOf(record, now)
          return badge(tone, word)
        },
      },
    ],
    rows: grants,
  })
}

function reviewTable(cases: readonly GlassCase[]): Markup {
  if (cases.length === 0)
    return html`<p>No review is due. Whenever somebody breaks the glass, it stands here.</p>`
  return dataTable<GlassCase>({
    caption: 'Broken glass that is not settled',
    hideCaption: true,
    columns: [
      {
        header: 'What',
        cell: ({ state, grant }) => (state === 'lost' ? 'Broken glass' : link(pathOf(grant), 'Broken glass')),
      },
      { header: 'Due by', cell: ({ reviewBy }) => exactTime(reviewBy) },
      { header: 'State', cell: ({ state }) => badge(CASES[state].tone, CASES[state].word) },
    ],
    rows: cases,
  })
}

const TONES: Readonly<Record<ListedPromise['status'], Tone>> = {
  broken: 'bad',
  unproven: 'unsure',
  kept: 'good',
}
const STATUSES = ['broken', 'unproven', 'kept'] as const

function promiseTable(promises: readonly ListedPromise[]): Markup {
  if (promises.length === 0) return html`<p>The security page declares no promise yet.</p>`
  return dataTable<ListedPromise>({
    caption: 'Promises, what is broken first',
    hideCaption: true,
    columns: [
      { header: 'Promise', cell: ({ sentence }) => sentence },
      { header: 'Status', cell: ({ status }) => badge(TONES[status], status) },
    ],
    rows: STATUSES.flatMap((wanted) => promises.filter(({ status }) => status === wanted)),
  })
}
