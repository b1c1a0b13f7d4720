import { html, inlineCode, pageHeading } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'
import { framed } from './site-frame.ts'
import type { FrameOptions } from './site-frame.ts'

/** A page for a refused or failed request. It shows nothing of what went wrong inside. */
export function errorView(
  options: FrameOptions & { title: string; detail: string; requestId: string },
): Markup {
  return framed(options, {
    title: options.title,
    content: [
      pageHeading({ title: options.title, lead: options.detail }),
      html`<p class="small">When you ask us about it, name request ${inlineCode(options.requestId)}.</p>`,
    ],
  })
}
