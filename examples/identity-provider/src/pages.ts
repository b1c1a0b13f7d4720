import {
  html,
  htmlDocument,
  mainContent,
  notice,
  pageHeading,
  siteFooter,
  siteHeader,
  type Markup,
} from 'surety/ui'
import type { ProviderPerson } from './people.ts'

const NAME = 'The demo’s identity provider'

/** Where somebody says who they are. The site that asked is named, so that nobody signs in elsewhere unawares. */
export function choosePersonPage(options: {
  readonly people: readonly ProviderPerson[]
  /** Host of the site that asked. */
  readonly askedBy: string
  readonly action: string
}): Markup {
  return page(
    `Sign in to ${options.askedBy}`,
    html`${pageHeading({
      title: 'Who are you?',
      lead: `You are signing in to ${options.askedBy}.`,
    })}
      <div class="stack narrow">
        ${notice(
          'neutral',
          'This is the demo’s identity provider.',
          'Its people are made up and need no password. It answers on this machine only.',
        )}
        <form class="stack" method="post" action="${options.action}">
          <ul class="people">
            ${options.people.map(
              ({ sub, name, about }) =>
                html`<li>
                  <button class="button button-plain" type="submit" name="person" value="${sub}">
                    Continue as ${name}
                  </button>
                  <span class="about">${about}</span>
                </li>`,
            )}
          </ul>
          <p>
            <button class="button button-plain" type="submit" name="person" value="">
              Go back without signing in
            </button>
          </p>
        </form>
      </div>`,
  )
}

/** What stands where somebody opens the provider itself, or an address that leads nowhere. */
export function plainPage(title: string, lead: string): Markup {
  return page(title, pageHeading({ title, lead }))
}

function page(title: string, body: Markup): Markup {
  return htmlDocument({
    title: `${title} · ${NAME}`,
    nonce: '',
    stylesheets: ['/provider.css'],
    body: html`${siteHeader({ name: NAME, links: [] })}${mainContent(body)}${siteFooter(
      'Part of the demo of Surety; no real provider.',
    )}`,
  })
}

/** The pages’ own styles, on top of the shared ones. */
export const PROVIDER_STYLES = `
.narrow { max-width: 34rem; }
.people { list-style: none; padding: 0; margin: 0; display: grid; gap: 0.6rem; }
.people li { display: grid; gap: 0.2rem 0.9rem; align-items: center; }
.people .about { color: var(--muted); }
@media (min-width: 40rem) { .people li { grid-template-columns: 13rem minmax(0, 1fr); } }
`
