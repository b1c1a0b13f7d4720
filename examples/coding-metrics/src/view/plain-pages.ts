import {
  buttonLink,
  card,
  command,
  definitionList,
  html,
  inlineCode,
  link,
  notice,
  pageHeading,
  type Markup,
} from 'surety/ui'
import type { Person } from '../people.ts'
import { signInPath } from '../sign-in.ts'
import { shell } from './shell.ts'

/** What somebody sees who is not signed in. */
export function welcomePage(nonce: string): Markup {
  return shell({
    nonce,
    title: 'Where your coding time goes',
    current: '/',
    person: null,
    body: html`${pageHeading({
      title: 'Where your coding time goes',
      lead: 'Your editor tells Codetime which file is open; you get to see your time by project, language and day. Paths, projects, branches and machine names are sealed before they are stored.',
    })}
      <div class="narrow">
        <p>${buttonLink(signInPath(), 'Sign in with the demo’s provider', 'primary')}</p>
        ${notice(
          'neutral',
          'Who can sign in',
          'The demo brings an identity provider of its own, with made-up people who need no password. Whoever is new gets an account.',
        )}
        <p>
          Every promise about your data stands on ${link('/security', 'the security page')}, with what was
          measured, when, and what that cannot prove.
        </p>
        <p>${buttonLink('/security', 'Read the security page')}</p>
      </div>`,
  })
}

/** How an editor is pointed here. */
export function connectPage(options: { nonce: string; person: Person | null; apiUrl: string }): Markup {
  return shell({
    nonce: options.nonce,
    title: 'Connect an editor',
    current: '/connect',
    person: options.person,
    body: html`${pageHeading({
      title: 'Connect an editor',
      lead: 'Any WakaTime plug-in works. Install the one for your editor and put this into .wakatime.cfg in your home folder:',
    })}
      <div class="narrow">
        ${command(`[settings]\napi_url = ${options.apiUrl}\napi_key = your key`)}
        <p>
          Ada’s key is the one that ${inlineCode('npm start')} printed. We keep only what recognises a key, so we
          cannot show it to you again.
        </p>
        <p>
          What the plug-in may send and what of it is stored is
          ${link('/security/data', 'listed field by field')}. To keep file names to yourself, set
          ${inlineCode('hide_file_names = true')} in the same file: your time still counts.
        </p>
        ${options.person && [takingAlong(options.person), askingForHelp(options.person)]}
      </div>`,
  })
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

/** A page that could not be shown. */
export function failurePage(nonce: string, { title, text }: { title: string; text: string }): Markup {
  return shell({
    nonce,
    title,
    person: null,
    body: html`${pageHeading({ title, lead: text })}${buttonLink('/', 'Back to the start page')}`,
  })
}
