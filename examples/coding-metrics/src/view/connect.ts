import {
  button,
  buttonLink,
  card,
  command,
  definitionList,
  exactTime,
  html,
  inlineCode,
  link,
  notice,
  pageHeading,
  postForm,
  type Markup,
} from 'surety/ui'
import type { ShownKey } from '../api-keys.ts'
import type { Person } from '../people.ts'
import { signInPath } from '../sign-in.ts'
import { shell } from './shell.ts'

export const CONNECT_PATH = '/connect'

export interface ConnectView {
  readonly nonce: string
  readonly apiUrl: string
  /** Null for who is not signed in. */
  readonly visitor: {
    readonly person: Person
    /** What their forms carry. */
    readonly form: Readonly<Record<string, string>>
    /** Null for who may have none. */
    readonly keys: readonly ShownKey[] | null
  } | null
  /** A key that was just made: shown this once. */
  readonly made?: string
  /** Why none was made. */
  readonly problem?: string
}

/** How an editor is pointed here. */
export function connectPage(view: ConnectView): Markup {
  const { nonce, apiUrl, visitor, made, problem } = view
  return shell({
    nonce,
    title: 'Connect an editor',
    current: CONNECT_PATH,
    person: visitor && visitor.person,
    body: html`${pageHeading({
      title: 'Connect an editor',
      lead: 'Any WakaTime plug-in works. Install the one for your editor, and put this into .wakatime.cfg in your home folder:',
    })}
      <div class="narrow">
        ${problem === undefined ? null : notice('bad', problem)}
        ${made === undefined ? null : notice('good', 'Your key stands below: copy it now, it is not shown again.')}
        ${command(`[settings]\napi_url = ${apiUrl}\napi_key = ${made ?? 'your key'}`)}
        ${visitor ? keysCard(visitor) : signInFirst()}
        <p>
          What the plug-in may send and what of it is stored is
          ${link('/security/data', 'listed field by field')}. To keep file names to yourself, set
          ${inlineCode('hide_file_names = true')} in the same file: your time still counts.
        </p>
        ${visitor && [takingAlong(visitor.person), askingForHelp(visitor.person)]}
      </div>`,
  })
}

function signInFirst(): Markup {
  return html`<p>${buttonLink(signInPath(CONNECT_PATH), 'Sign in and make a key', 'primary')}</p>`
}

function keysCard({ form, keys }: NonNullable<ConnectView['visitor']>): Markup {
  return card({
    title: 'Keys for your editors',
    body: keys
      ? [
          html`<p>A key says that it is you whose time is reported. We keep only what recognises it.</p>`,
          keys.length === 0 ? null : keyList(form, keys),
          postForm({
            action: `${CONNECT_PATH}/keys`,
            hidden: form,
            body: button('Make a key', { look: 'primary' }),
          }),
          html`<p class="aside">
            For programs that shall do less than an editor, ${link('/account/keys', 'make a key that says what it may')}.
          </p>`,
        ]
      : html`<p>Nobody can make or see keys here but the person whose time it is, as far as their role lets them.</p>`,
  })
}

function keyList(form: Readonly<Record<string, string>>, keys: readonly ShownKey[]): Markup {
  return html`<ul class="rows">${keys.map(({ id, createdAt }) => {
    const made = exactTime(createdAt.getTime())
    return html`<li><p>Made on ${made}</p>${postForm({
      action: `${CONNECT_PATH}/keys/revoke`,
      hidden: { ...form, id },
      body: button(html`Revoke<span class="hidden-text"> the key made on ${made}</span>`, { look: 'danger' }),
    })}</li>`
  })}</ul>`
}

/** What is stored of a person is theirs; administrators can take along their team's. */
function takingAlong({ principal }: Person): Markup {
  const ofTeam = link('/api/v1/users/current/teams/current/export', 'All that the team has reported')
  return card({
    title: 'Take your data along',
    body: html`<p>
      ${link('/api/v1/users/current/export', 'All that you have reported')}, as one JSON file${
        principal.roles.includes('administrator') ? html`. ${ofTeam}, as another` : null
      }.
    </p>`,
  })
}

/** Our staff know nobody by name: who asks them for help says whose data it is about. */
function askingForHelp({ id, teamId }: Person): Markup {
  return card({
    title: 'If you ask us for help',
    body: [
      html`<p>Tell us these two; without a grant they open nothing. Whenever one of us looks, you see it under
        ${link('/account/access', 'Who looked at my data')}.</p>`,
      definitionList(
        [
          ['You', inlineCode(id)],
          ['Your team', inlineCode(teamId)],
        ],
        'side-by-side',
      ),
    ],
  })
}
