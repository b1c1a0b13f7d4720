import { lastingRange } from '../../access/index.ts'
import { button, card, html, type Markup } from '../../ui/index.ts'
import { changeForm, TENANT_PATHS, tenantPage, type TenantFrame } from './parts.ts'

export interface NetworksViewOptions extends TenantFrame {
  /** The ranges as they hold. */
  readonly ranges: readonly string[]
  /** What was typed and refused. */
  readonly typed?: string
  /** True where that leaves out the address of who looks. */
  readonly locksOut?: boolean
  /** The address of who looks, as the server sees it. */
  readonly address: string | null
}

/** `/account/networks`: from where the organisation can be reached. */
export function networksView(options: NetworksViewOptions): Markup {
  const { ranges, typed = ranges.join('\n'), locksOut = false, address } = options
  return tenantPage(options, {
    title: 'Networks',
    lead: 'Members and keys are let in from these networks only. An empty list lets them in from anywhere.',
    current: TENANT_PATHS.networks,
    content: card({
      body: changeForm(options, TENANT_PATHS.networks, {}, [
        html`<div class="field"><label for="ranges">One address or range on each line</label>
<textarea id="ranges" name="ranges" rows="8" maxlength="6000" spellcheck="false" aria-describedby="ranges-hint">
${typed}</textarea>
<p class="hint" id="ranges-hint">${
          address === null
            ? 'Your own address is not known here: a list could only lock you out, and is refused.'
            : `You are at ${address}: the list must include it.`
        }</p></div>`,
        html`<div class="actions">${button('Save', { look: 'primary' })}${
          locksOut && address !== null
            ? html`<button class="button button-plain" type="submit" name="own" value="add">Save with ${lastingRange(address)} added</button>`
            : null
        }</div>`,
      ]),
    }),
  })
}
