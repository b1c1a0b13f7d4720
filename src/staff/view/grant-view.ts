import {
  badge,
  button,
  card,
  definitionList,
  exactTime,
  html,
  joined,
  notice,
  pageHeading,
  type Child,
  type Markup,
} from '../../ui/index.ts'
import type { ShownAccess } from '../accesses.ts'
import type { GlassCase } from '../glass.ts'
import type { Decision, GrantRecord } from '../grant-records.ts'
import { accessTable } from './access-view.ts'
import { KINDS, pathOf, stateOf } from './console-view.ts'
import { changeForm, CONSOLE_PATHS, signBox, staffFrame, type StaffFrame } from './frame.ts'

export interface GrantViewOptions extends StaffFrame {
  readonly record: GrantRecord
  /** Hexadecimal digest: what an approval signs. */
  readonly digest: string
  /** The visitor asked for it: they cannot decide on it. */
  readonly own: boolean
  readonly consentMissing: boolean
  /** What is not settled of it, where its glass was broken; else null. */
  readonly case: GlassCase | null
  readonly accesses: readonly ShownAccess[]
  /** True where the app knows of impersonation. */
  readonly impersonates: boolean
  readonly now: number
  readonly problem?: string
}

/** One grant: what it opens, who decided what, and what can be done with it. */
export function grantView(options: GrantViewOptions): Markup {
  const { record, now, problem } = options
  const { tone, word } = stateOf(record, now)
  return staffFrame(options, {
    title: 'Grant',
    console: true,
    signs: true,
    content: [
      pageHeading({
        title: record.grant.purpose,
        eyebrow: `${KINDS[record.grant.kind]} · ${record.grant.ticket}`,
      }),
      problem ? notice('bad', problem) : null,
      options.consentMissing
        ? notice('unsure', 'The customer asked to be asked first, and has not answered.')
        : null,
      card({ title: 'What it opens', aside: badge(tone, word), body: facts(options) }),
      record.decisions.length > 0 ? card({ title: 'Decisions', body: decisions(record.decisions) }) : null,
      accessCard(options),
      actions(options),
    ],
  })
}

function facts({ record: { grant }, digest }: GrantViewOptions): Markup {
  const { scope, resources, actions: may, from, until, delay } = grant
  return definitionList(
    [
      ['Asked by', `a member of staff (${grant.role})`],
      ['Person', scope.subject && html`<code>${scope.subject}</code>`],
      ['Tenant', scope.tenant && html`<code>${scope.tenant}</code>`],
      [
        'Data',
        joined(
          Object.entries(resources).map(
            ([name, columns]) => `${name}${columns ? ` (${columns.join(', ')})` : ''}`,
          ),
          ', ',
        ),
      ],
      ['May', may.join(', ')],
      ['From', exactTime(from)],
      ['Until', exactTime(until)],
      ['Shown to them', delay ? html`only from ${exactTime(delay.until)}: ${delay.reason}` : 'at once'],
      ['Digest', html`<code class="hash">${digest}</code>`],
    ],
    'side-by-side',
  )
}

function accessCard({ record, accesses }: GrantViewOptions): Child {
  const wasOpen = record.decisions.some(({ what }) => what === 'approved' || what === 'broke-glass')
  if (!wasOpen) return null
  return card({
    title: 'What was looked at',
    body:
      accesses.length > 0
        ? accessTable('What was looked at', accesses)
        : html`<p>Nothing has been looked at with this grant.</p>`,
  })
}

const WORDS: Readonly<Record<Decision['what'], string>> = {
  approved: 'Approved, signed with a passkey',
  'broke-glass': 'Broke the glass, signed with a passkey',
  consented: 'The customer consented',
  refused: 'Refused',
  ended: 'Ended early',
  reviewed: 'Reviewed, signed with a passkey',
  acknowledged: 'The consequence, signed with a passkey',
}

function decisions(all: readonly Decision[]): Markup {
  return html`<ul>${all.map(
    ({ what, at, note }) => html`<li>${WORDS[what]}, ${exactTime(at)}${note ? html`: ${note}` : null}</li>`,
  )}</ul>`
}

function actions(options: GrantViewOptions): Child {
  const { record, own, now } = options
  const path = pathOf(record.id)
  const live = record.grant.until > now && (record.state === 'waiting' || record.state === 'open')
  return [
    live ? card({ title: 'Decide', body: html`<div class="actions">${decide(options, path)}</div>` }) : null,
    own ? null : settleCard(options, path),
    html`<p><a href="${CONSOLE_PATHS.home}">Back to the console</a></p>`,
  ]
}

function decide(options: GrantViewOptions, path: string): Child {
  const { record, own, impersonates } = options
  const mayLook = own && impersonates && record.state === 'open' && record.grant.kind === 'impersonation'
  return [
    record.state === 'waiting' && !own
      ? [
          signBox(options, {
            challenge: `${path}/challenge`,
            send: `${path}/approve`,
            label: 'Approve with a passkey',
          }),
          changeForm(options, `${path}/refuse`, button('Refuse')),
        ]
      : null,
    mayLook
      ? changeForm(options, `${path}/impersonate`, button('See the product as they do', { look: 'primary' }))
      : null,
    changeForm(options, `${path}/end`, button('End it', { look: 'danger' })),
  ]
}

/** What broken glass asks of somebody else: a review, then, where it was not justified, a consequence. */
function settleCard(options: GrantViewOptions, path: string): Child {
  const { case: open } = options
  if (open?.state === 'due' || open?.state === 'overdue') return reviewCard(options, path)
  return open?.state === 'unjustified' ? acknowledgeCard(options, path) : null
}

function acknowledgeCard(options: GrantViewOptions, path: string): Markup {
  return card({
    title: 'Not justified',
    body: [
      html`<p>Until somebody writes down what followed, the promise about staff access is shown as broken.</p>`,
      html`<form class="form" id="acknowledge">
<div class="field"><label for="consequence">What followed</label><input id="consequence" name="consequence" required minlength="10" maxlength="500" autocomplete="off"></div></form>`,
      signBox(options, {
        challenge: `${path}/acknowledge/challenge`,
        send: `${path}/acknowledge`,
        fields: '#acknowledge',
        label: 'Sign it with a passkey',
      }),
    ],
  })
}

function reviewCard(options: GrantViewOptions, path: string): Markup {
  return card({
    title: 'Review',
    body: [
      html`<p>The glass was broken without asking. Was it justified?</p>`,
      html`<form class="form" id="review">
<div class="field"><label for="verdict">Verdict</label>
<select id="verdict" name="verdict"><option value="justified">It was justified</option><option value="unjustified">It was not</option></select></div>
<div class="field"><label for="note">Why</label><input id="note" name="note" required maxlength="500" autocomplete="off"></div></form>`,
      signBox(options, {
        ...{ challenge: `${path}/review/challenge`, send: `${path}/review`, fields: '#review' },
        label: 'Sign the review with a passkey',
      }),
    ],
  })
}
