import { buttonLink, html, link, notice, pageHeading, type Markup } from 'surety/ui'
import { signInPath } from '../sign-in.ts'
import { DEMO_MAIL_PATH } from './letters.ts'
import { shell } from './shell.ts'

/**
 * What somebody sees who is not signed in.
 * @param hasLetters whether the demo's letters can be read here
 */
export function welcomePage(nonce: string, hasLetters: boolean): Markup {
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
        <p class="actions">
          ${buttonLink(signInPath(), 'Sign in with the demo’s provider', 'primary')}
          ${buttonLink('/account/sign-in?next=%2F', 'Other ways to sign in')}
        </p>
        ${notice(
          'neutral',
          'Who can sign in',
          html`The demo brings an identity provider of its own, with made-up people who need no password. Whoever is new
            gets an account.${hasLetters ? letters() : null}`,
        )}
        <p>
          Every promise about your data stands on ${link('/security', 'the security page')}, with what was
          measured, when, and what that cannot prove.
        </p>
        <p>${buttonLink('/security', 'Read the security page')}</p>
      </div>`,
  })
}

function letters(): Markup {
  return html` With an invented address and a password it works as well: the letters to it
    ${link(DEMO_MAIL_PATH, 'can be read here')}.`
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
