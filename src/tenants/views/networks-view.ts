import { button, card, html, type Markup } from '../../ui/index.ts'
import { changeForm, TENANT_PATHS, tenantPage, type TenantFrame } from './parts.ts'

export interface NetworksViewOptions extends TenantFrame {
  readonly ranges: readonly string[]
  /** The address of who looks, as the server sees it. */
  readonly address: string | null
}

/** `/account/networks`: from where the organisation can be reached. */
export function networksView(options: NetworksViewOptions): Markup {
  const { ranges, address } = options
  return tenantPage(options, {
    title: 'Networks',
    lead: 'Members and keys are let in from these networks only. An empty list lets them in from anywhere.',
    current: TENANT_PATHS.networks,
    content: card({
      body: changeForm(options, TENANT_PATHS.networks, {}, [
        html`<div class="field"><label for="ranges">One address or range on each line</label>
<textarea id="ranges" name="ranges" rows="8" maxlength="6000" spellcheck="false" aria-describedby="ranges-hint">${ranges.join('\n')}</textarea>
<p class="hint" id="ranges-hint">${
          address === null
            ? 'Your own address is not known here.'
            : `You are at ${address}: the list must include it.`
        }</p></div>`,
        button('Save', { look: 'primary' }),
      ]),
    }),
  })
}
