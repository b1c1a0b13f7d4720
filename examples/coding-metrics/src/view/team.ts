import {
  barChart,
  card,
  dataTable,
  emptyState,
  html,
  link,
  notice,
  pageHeading,
  type Markup,
} from 'surety/ui'
import { amountOf, divide } from '../metrics/amounts.ts'
import { dayText } from '../metrics/calendar.ts'
import type { DayRange, OfferedDays } from '../metrics/range.ts'
import { clipRange } from '../metrics/reports.ts'
import { totalSeconds, type Beat } from '../metrics/spans.ts'
import type { Person } from '../people.ts'
import { rangeLinks } from './parts.ts'
import { shell } from './shell.ts'

export interface TeamView {
  readonly nonce: string
  readonly person: Person
  readonly days: OfferedDays
  readonly range: DayRange
  /** Whom the asking person may see. */
  readonly members: readonly { readonly personId: string; readonly displayName: string }[]
  /** Heartbeats per person id. */
  readonly beats: ReadonlyMap<string, readonly Beat[]>
}

/** The team's time per person and project: what the asking person's role lets them see of it. */
export function teamPage(view: TeamView): Markup {
  const { person, range, members } = view
  return shell({
    nonce: view.nonce,
    title: 'Team',
    current: '/team',
    person,
    body: html`${pageHeading({
      title: 'Your team’s time',
      eyebrow: `${dayText(range.first)} – ${dayText(range.last)}, ${range.zone}`,
    })}
      ${
        members.some(({ personId }) => personId !== person.id)
          ? null
          : notice(
              'neutral',
              'You see yourself alone',
              'Nobody else is in your team, or your roles there do not show you the time of others.',
            )
      }
      ${rangeLinks('/team', view.days)} ${timeOf(view)}
      <p class="aftermath">
        Your team’s administrators decide who belongs to it and what each of you may
        see${isAdministrator(person) ? [', under ', link('/account/members', 'Members')] : null};
        ${link('/security/data', 'the data list')} names the roles that see each kind of data.
      </p>`,
  })
}

function isAdministrator({ principal }: Person): boolean {
  return principal.roles.includes('administrator')
}

function timeOf({ members, beats, range }: TeamView): Markup {
  // Per person: the gap between two people's heartbeats is nobody's time.
  const rows = members
    .map((member) => {
      const spans = clipRange(beats.get(member.personId) ?? [], range)
      return { ...member, seconds: totalSeconds(spans), projects: divide(spans, 'projects') }
    })
    .toSorted((a, b) => b.seconds - a.seconds)
  if (rows.every(({ seconds }) => seconds === 0)) {
    return emptyState('No time yet', 'As soon as somebody’s editor reports, their time appears here.')
  }
  return html`<div class="charts">${card({
    title: 'People',
    body: barChart({
      caption: 'Time per person',
      labelHeader: 'Person',
      valueHeader: 'Time',
      bars: rows.map(({ displayName, seconds }) => {
        return { label: displayName, value: seconds, display: amountOf(seconds).text }
      }),
    }),
  })}${card({
    title: 'Who works on what',
    body: dataTable({
      caption: 'Each person’s three greatest projects',
      columns: [
        { header: 'Person', cell: ({ displayName }) => displayName },
        {
          header: 'Projects',
          cell: ({ projects }) =>
            projects
              .slice(0, 3)
              .map(({ name, text }) => `${name} (${text})`)
              .join(', ') || '–',
        },
      ],
      rows,
    }),
  })}</div>`
}
