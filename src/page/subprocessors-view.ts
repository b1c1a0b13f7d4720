import { emptyState, pageHeading } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'
import type { Site } from './evidence.ts'
import { framed } from './site-frame.ts'
import type { FrameOptions } from './site-frame.ts'

/** `/security/subprocessors`. LIMIT: there is no vendor register yet, so the page says that none is declared. */
export function subprocessorsView(options: FrameOptions & { site: Site }): Markup {
  return framed(options, {
    title: 'Sub-processors',
    description: `Third parties that process personal data for ${options.site.name}.`,
    current: '/security/subprocessors',
    content: [
      pageHeading({
        title: 'Sub-processors',
        lead: 'Third parties that process personal data on our behalf.',
      }),
      emptyState(
        'None is declared yet',
        `${options.site.name} has not entered any third party in its register. That is not a statement that there is none.`,
      ),
    ],
  })
}
