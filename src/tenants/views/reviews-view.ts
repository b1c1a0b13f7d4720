import { badge, button, card, dataTable, emptyState, html, type Child, type Markup } from '../../ui/index.ts'
import type { Review, ReviewItem } from '../reviews.ts'
import { changeForm, TENANT_PATHS, tenantPage, type TenantFrame } from './parts.ts'

export interface ReviewsViewOptions extends TenantFrame {
  readonly current: { readonly review: Review; readonly items: readonly ReviewItem[] } | null
  /** Who looks: nobody decides on themselves. */
  readonly personId: string
  readonly mayStart: boolean
  /** Unix milliseconds. */
  readonly now: number
  /** What a role is called. */
  readonly roleName: (role: string) => string
}

/** `/account/reviews`: the newest review, and what there is to decide. */
export function reviewsView(options: ReviewsViewOptions): Markup {
  const { current, mayStart } = options
  const isOpen = current !== null && current.review.closedAt === null
  return tenantPage(options, {
    title: 'Reviews',
    lead: 'Whether everybody still needs what they may. What is revoked is gone at once.',
    current: TENANT_PATHS.reviews,
    content: [
      current === null
        ? emptyState('There was none yet', 'An administrator starts the first.')
        : reviewCard(options, current.review, current.items),
      mayStart && !isOpen
        ? card({
            title: 'Start a review',
            body: changeForm(options, `${TENANT_PATHS.reviews}/start`, {}, [
              html`<p>Every role of every member, and every key. Administrators decide within 14 days, nobody on themselves.</p>`,
              button('Start', { look: 'primary' }),
            ]),
          })
        : null,
    ],
  })
}

function reviewCard(options: ReviewsViewOptions, review: Review, items: readonly ReviewItem[]): Markup {
  const { nameOf, roleName } = options
  return card({
    title: `Review of ${review.createdAt.toISOString().slice(0, 10)}`,
    aside: standing(options, review),
    body: dataTable({
      caption: `${items.filter(({ decision }) => decision === null).length} of ${items.length} to decide`,
      rows: items,
      columns: [
        { header: 'Member', cell: ({ personId }) => nameOf(personId) },
        {
          header: 'May',
          cell: ({ role, keyId }) => (role === null ? `key …${keyId?.slice(-8)}` : roleName(role)),
        },
        { header: 'Used', cell: ({ unused }) => (unused ? 'not since the last review' : 'yes') },
        { header: 'Decision', cell: (item) => decisionOf(options, review, item) },
      ],
    }),
  })
}

function standing({ now }: ReviewsViewOptions, { closedAt, dueAt }: Review): Markup {
  const day = (date: Date): string => date.toISOString().slice(0, 10)
  if (closedAt) return badge('good', `finished ${day(closedAt)}`)
  return dueAt.getTime() < now
    ? badge('bad', `overdue since ${day(dueAt)}`)
    : badge('unsure', `due ${day(dueAt)}`)
}

function decisionOf(options: ReviewsViewOptions, review: Review, item: ReviewItem): Child {
  const { nameOf, personId } = options
  if (item.decision !== null) {
    const by = item.decidedBy ? ` by ${nameOf(item.decidedBy)}` : ''
    return `${item.decision === 'keep' ? 'kept' : 'revoked'}${by}`
  }
  if (item.personId === personId || !review.reviewers.includes(personId)) return 'another reviewer decides'
  const form = (decision: string, label: string, look: 'plain' | 'danger'): Markup =>
    changeForm(
      options,
      `${TENANT_PATHS.reviews}/decide`,
      { item: item.id, decision },
      button(html`${label}<span class="hidden-text"> ${nameOf(item.personId)}</span>`, { look }),
    )
  return html`<div class="actions">${form('keep', 'Keep', 'plain')}${form('revoke', 'Revoke', 'danger')}</div>`
}
