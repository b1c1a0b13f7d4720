import { card, emptyState, exactTime, html, link, pageHeading, type Child, type Markup } from 'surety/ui'
import type { DemoLetter } from '../demo-mail.ts'
import { shell } from './shell.ts'

export const DEMO_MAIL_PATH = '/dev/mail'

export interface LettersView {
  readonly nonce: string
  /** Addresses of this site become links; no others do. */
  readonly origin: string
  readonly letters: readonly DemoLetter[]
}

/** The letters that the demo would have sent. */
export function lettersPage({ nonce, origin, letters }: LettersView): Markup {
  return shell({
    nonce,
    title: 'Letters',
    current: DEMO_MAIL_PATH,
    person: null,
    links: [
      { href: '/', label: 'Home' },
      { href: DEMO_MAIL_PATH, label: 'Letters' },
    ],
    body: html`${pageHeading({
      title: 'Letters',
      lead: 'The demo sends no mail. What it would have sent lies in its data folder and stands here, the newest first.',
    })}
      ${
        letters.length === 0
          ? emptyState(
              'No letter yet',
              'Sign up with an address and a password, ask for a new password, or invite somebody.',
            )
          : letters.map((letter) => letterCard(letter, origin))
      }`,
  })
}

function letterCard({ subject, to, at, text }: DemoLetter, origin: string): Markup {
  return card({
    title: subject,
    body: [
      html`<p class="aside">To <span dir="auto">${to}</span>, ${exactTime(at)}</p>`,
      html`<div class="letter">${paragraphs(text, origin)}</div>`,
    ],
  })
}

function paragraphs(text: string, origin: string): Child {
  return text
    .trim()
    .split(/\n{2,}/)
    .map(
      (paragraph) => html`<p>${paragraph.split(/(https?:\/\/\S+)/).map((part) => linked(part, origin))}</p>`,
    )
}

function linked(part: string, origin: string): Child {
  const url = URL.parse(part)
  return url?.origin === origin ? link(`${url.pathname}${url.search}`, part) : part
}
