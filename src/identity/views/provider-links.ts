import { buttonLink, html, type Markup } from '../../ui/index.ts'

/** Below it, each identity provider has a place of its own. */
export const PROVIDER_PATH = '/account/sign-in/with'

/** A button for each identity provider; plain links, since the sign-in there begins with a redirect. */
export function providerLinks(
  providers: readonly { readonly id: string; readonly name: string }[],
  next: string,
): Markup | null {
  if (providers.length === 0) return null
  return ways(providers, (name) => `Sign in with ${name}`, `?next=${encodeURIComponent(next)}`)
}

/** The purpose of a sign-in at a provider that asks somebody who is signed in once more who they are. */
export const CONFIRMING = 'confirm'

/** The same for somebody who confirms: where providers ask anew; else what there is to do instead. */
export function confirmLinks(
  providers: readonly { readonly id: string; readonly name: string; readonly asksAnew: boolean }[],
  next: string,
): Markup {
  const asking = providers.filter(({ asksAnew }) => asksAnew)
  if (asking.length > 0)
    return ways(
      asking,
      (name) => `Confirm with ${name}`,
      `?purpose=${CONFIRMING}&next=${encodeURIComponent(next)}`,
    )
  return html`<p>The provider that you sign in with asks nobody anew. Set up a second factor, within ten minutes of a sign-in, and confirm with that: sign out, sign in, and go to your account’s security.</p>`
}

function ways(
  providers: readonly { readonly id: string; readonly name: string }[],
  label: (name: string) => string,
  query: string,
): Markup {
  return html`<ul class="ways-in">${providers.map(
    ({ id, name }) => html`<li>${buttonLink(`${PROVIDER_PATH}/${id}${query}`, label(name), 'primary')}</li>`,
  )}</ul>`
}
