import { buttonLink, html, type Markup } from '../../ui/index.ts'

/** Below it, each identity provider has a place of its own. */
export const PROVIDER_PATH = '/account/sign-in/with'

/** A button for each identity provider; plain links, since the sign-in there begins with a redirect. */
export function providerLinks(
  providers: readonly { readonly id: string; readonly name: string }[],
  next: string,
): Markup | null {
  if (providers.length === 0) return null
  return html`<ul class="ways-in">${providers.map(
    ({ id, name }) =>
      html`<li>${buttonLink(`${PROVIDER_PATH}/${id}?next=${encodeURIComponent(next)}`, `Sign in with ${name}`, 'primary')}</li>`,
  )}</ul>`
}
