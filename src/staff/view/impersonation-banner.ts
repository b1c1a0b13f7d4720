import { createHash } from 'node:crypto'
import type { EffectiveGrant } from '../../access/index.ts'
import { button, exactTime, html, type Markup } from '../../ui/index.ts'
import { FORM_TOKEN } from './frame.ts'

/** Where a staff member stops seeing the product as somebody else. */
export const END_IMPERSONATION_PATH = '/console/impersonation/end'

/** Stands on pages of every look, so it brings its own; `all: revert` keeps the page's rules off it. */
const text = `.surety-impersonation { position: sticky; top: 0; z-index: 2147483647; display: flex; flex-wrap: wrap; gap: .5rem 1rem;
  align-items: center; justify-content: space-between; padding: .6rem 1rem; background: #7a1020; color: #fff;
  font: 500 1rem/1.4 system-ui, sans-serif; }
.surety-impersonation p { all: revert; margin: 0; color: inherit; max-width: 70ch; overflow-wrap: anywhere; }
.surety-impersonation button { all: revert; min-height: 44px; padding: .4rem .9rem; border: 1px solid #fff; border-radius: 6px;
  background: #fff; color: #7a1020; font: inherit; cursor: pointer; }
.surety-impersonation button:focus-visible { outline: 3px solid #fff; outline-offset: 3px; }
`
const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The look of the banner, for pages that do not have ours. Its path changes with its text. */
export const BANNER_STYLESHEET = { path: `/.surety/assets/impersonation-${digest}.css`, text } as const

/** How a page is known to have the banner: what people write is escaped and never reads so. */
export const BANNER_START = '<aside class="surety-impersonation"'

/**
 * What stands over every page while a member of staff sees the product as somebody else: that they do, until
 * when, that each look is recorded, and the way out.
 */
export function impersonationBanner(
  { actions, until, ticket }: Pick<EffectiveGrant, 'actions' | 'until' | 'ticket'>,
  formToken: string,
): Markup {
  const changes = actions.length > 1
  return html`<aside class="surety-impersonation" aria-label="You see this product as somebody else">
<link rel="stylesheet" href="${BANNER_STYLESHEET.path}">
<p><strong>You see this product as somebody else does</strong> (${ticket}), ${
    changes ? 'and may change their data' : 'and can change nothing'
  }, until ${exactTime(until)}. Everything that you open is recorded and shown to them.</p>
<form method="post" action="${END_IMPERSONATION_PATH}"><input type="hidden" name="${FORM_TOKEN}" value="${formToken}">${button('Stop')}</form>
</aside>`
}
