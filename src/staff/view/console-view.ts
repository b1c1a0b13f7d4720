import {
  badge,
  card,
  dataTable,
  definitionList,
  emptyState,
  exactTime,
  html,
  link,
  notice,
  pageHeading,
  type Child,
  type Markup,
  type Tone,
} from '../../ui/index.ts'
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
  /** Grants whose review is due or overdue, by id: Unix milliseconds. */
  readonly reviews: ReadonlyMap<string, number>
  readonly now: number
}

/** `/console`: what needs attention first, then grants and promises. */
export function consoleView(options: ConsoleViewOptions): Markup {
  const { grants, promises, now } = options
  return staffFrame(options, {
    title: 'Console',
    current: CONSOLE_PATHS.home,
    console: true,
    content: [
      pageHeading({ title: 'Console', lead: 'What needs attention, who has access, and what we promise.' }),
      attentionCard(options),
      card({
        title: 'Grants',
        body:
          grants.length > 0
            ? grantTable(grants, now)
            : emptyState('No grant yet', [
                'Nobody has asked for access. ',
                link(CONSOLE_PATHS.request, 'Ask for it'),
              ]),
      }),
      card({
        title: 'Promises',
        body: definitionList(
          (['broken', 'unproven', 'kept'] as const).map((status) => [
            badge(TONES[status], status),
            String(promises.filter((promise) => promise.status === status).length),
          ]),
          'side-by-side',
        ),
      }),
    ],
  })
}

const TONES: Readonly<Record<ListedPromise['status'], Tone>> = {
  kept: 'good',
  broken: 'bad',
  unproven: 'unsure',
}

function attentionCard({ grants, standing, promises, strangers, reviews, now }: ConsoleViewOptions): Markup {
  const waiting = grants.filter(({ state, grant }) => state === 'waiting' && grant.until > now)
  const items: Child[] = [
    ...waiting.map(
      ({ id, grant }) =>
        html`<li>${link(pathOf(id), `${grant.role} asks for access: ${grant.purpose}`)}</li>`,
    ),
    ...[...reviews].map(
      ([id, due]) =>
        html`<li>${link(pathOf(id), due <= now ? 'A review of broken glass is overdue' : 'A review of broken glass is due')}: ${exactTime(due)}</li>`,
    ),
    ...strangers.map(
      ({ kind, role, program }) =>
        html`<li>${kind === 'role' ? `The database role ${role} is not declared` : `A direct database session of ${role}${program ? ` (${program})` : ''}`}</li>`,
    ),
    ...promises
      .filter(({ status }) => status === 'broken')
      .map(({ sentence }) => html`<li>${link('/security', `Broken: ${sentence}`)}</li>`),
    standing.enough
      ? null
      : html`<li>Only ${standing.active} members of staff are active: nobody is left to review.</li>`,
  ].filter((item) => item !== null)
  return card({
    title: 'Needs attention',
    body: items.length > 0 ? html`<ul>${items}</ul>` : notice('good', 'Nothing needs attention.'),
  })
}

export function pathOf(id: string): string {
  return `/console/grants/${id}`
}

/** Where a grant stands, in a word. */
export function stateOf({ state, grant }: GrantRecord, now: number): { tone: Tone; word: string } {
  if (state === 'open' && grant.until > now) return { tone: 'good', word: 'open' }
  if (state === 'waiting' && grant.until > now) return { tone: 'unsure', word: 'waiting' }
  return { tone: 'neutral', word: state === 'refused' ? 'refused' : 'ended' }
}

function grantTable(grants: readonly GrantRecord[], now: number): Markup {
  return dataTable<GrantRecord>({
    caption: 'Grants, the newest first',
    columns: [
      { header: 'For', cell: ({ id, grant }) => link(pathOf(id), grant.purpose) },
      { header: 'Kind', cell: ({ grant }) => grant.kind },
      { header: 'Role', cell: ({ grant }) => grant.role },
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
