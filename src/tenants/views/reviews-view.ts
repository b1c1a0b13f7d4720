import {
  absoluteDate,
  absoluteTime,
  badge,
  button,
  card,
  dataTable,
  emptyState,
  html,
  notice,
  type Child,
  type Markup,
} from '../../ui/index.ts'
import type { ReviewItem } from '../review-items.ts'
import type { Review, ReviewSummary, ShownReview } from '../reviews.ts'
import {
  changeForm,
  choiceField,
  pageOf,
  TENANT_PATHS,
  tenantPage,
  type TenantFrame,
  whole,
} from './parts.ts'

export interface ReviewsViewOptions extends TenantFrame {
  readonly current: ShownReview | null
  /** Every review, the newest first; empty for who is no administrator. */
  readonly history: readonly ReviewSummary[]
  /** Who could be appointed: members by pseudonym. */
  readonly candidates: readonly string[]
  /** Who looks: nobody decides on themselves. */
  readonly personId: string
  readonly mayStart: boolean
  /** Which part of the questions is shown, from 1. */
  readonly page: number
  /** Unix milliseconds. */
  readonly now: number
  /** What a role is called. */
  readonly roleName: (role: string) => string
}

/** `/account/reviews`: a review, what there is to decide, and the ones before as evidence. */
export function reviewsView(options: ReviewsViewOptions): Markup {
  const { current, history, mayStart } = options
  const newest = history[0]
  const isOpen = newest ? newest.closedAt === null : current !== null && current.review.closedAt === null
  return tenantPage(options, {
    title: 'Reviews',
    lead: 'Whether everybody still needs what they may. What is revoked is gone at once.',
    current: TENANT_PATHS.reviews,
    content: [
      current === null
        ? emptyState('There was none yet', 'An administrator starts the first.')
        : [stuckNotice(options, current), reviewCard(options, current)],
      mayStart && !isOpen
        ? card({
            title: 'Start a review',
            body: changeForm(options, `${TENANT_PATHS.reviews}/start`, {}, [
              html`<p>Every role of every member, and every key. Administrators decide within 14 days, nobody on themselves.</p>`,
              button('Start', { look: 'primary' }),
            ]),
          })
        : null,
      history.length > 0 ? historyCard(options) : null,
    ],
  })
}

/** Those about whom the page shows something, for their names. */
export function shownInReview({
  current,
  candidates,
  page,
}: Pick<ReviewsViewOptions, 'current' | 'candidates' | 'page'>): string[] {
  if (!current) return []
  const items = itemsOf(current, page).rows
  const people = items.flatMap(({ personId, decidedBy }) => [
    personId,
    ...(decidedBy === null ? [] : [decidedBy]),
  ])
  return [...people, ...current.reviewers, ...(current.stuck > 0 ? candidates : [])]
}

function stuckNotice(options: ReviewsViewOptions, { review, reviewers, stuck }: ShownReview): Markup | null {
  if (stuck === 0 || review.closedAt !== null) return null
  const { candidates, mayStart, nameOf } = options
  const others = candidates.filter((personId) => !reviewers.includes(personId))
  const choices = others.map((value) => ({ value, label: nameOf(value) }))
  return notice(
    'unsure',
    stuck === 1 ? 'Nobody can decide one question' : `Nobody can decide ${stuck} questions`,
    [
      html`<p>They are about the only reviewer, and nobody reviews themselves.</p>`,
      mayStart && choices.length > 0
        ? changeForm(options, `${TENANT_PATHS.reviews}/appoint`, {}, [
            choiceField('Let somebody else decide, too', 'reviewer', 'person', choices, ''),
            button('Appoint'),
          ])
        : null,
    ],
  )
}

/** What is still to decide stands first. */
function itemsOf({ review, items }: ShownReview, page: number): ReturnType<typeof pageOf<ReviewItem>> {
  const openFirst = items.toSorted((a, b) => Number(a.decision !== null) - Number(b.decision !== null))
  return pageOf(openFirst, page, `${TENANT_PATHS.reviews}?review=${review.id}`)
}

function reviewCard(options: ReviewsViewOptions, shown: ShownReview): Markup {
  const { nameOf, roleName, page } = options
  const { review, items, reviewers } = shown
  const { rows, pager } = itemsOf(shown, page)
  const open = items.filter(({ decision }) => decision === null).length
  return card({
    title: `Review of ${absoluteDate(review.createdAt.getTime())}`,
    id: 'review',
    aside: standing(options, review),
    body: [
      review.closedAt === null
        ? html`<p>Decided by ${reviewers.map(nameOf).join(', ') || 'nobody: there is no reviewer'}.</p>`
        : null,
      items.length === 0
        ? html`<p>There was nothing to ask, or nobody else to answer.</p>`
        : dataTable({
            caption: open === 0 ? `All ${items.length} decided` : `${open} of ${items.length} to decide`,
            rows,
            columns: [
              { header: 'Member', cell: ({ personId }) => nameOf(personId) },
              {
                header: 'May',
                cell: ({ role, keyId }) =>
                  role === null ? `key …${keyId?.slice(-8)}` : short(roleName(role)),
              },
              { header: 'Used', cell: ({ unused }) => (unused ? 'not since the last review' : 'yes') },
              { header: 'Decision', cell: (item) => decisionOf(options, shown, item) },
            ],
          }),
      pager,
    ],
  })
}

/** Names of people take the room that they get: what is short beside them stays whole. */
function short(name: string): Child {
  return name.length > 24 ? name : whole(name)
}

function standing({ now }: ReviewsViewOptions, { closedAt, dueAt }: Review): Markup {
  const due = absoluteDate(dueAt.getTime())
  if (closedAt) {
    const finished = `finished ${absoluteDate(closedAt.getTime())}`
    return closedAt > dueAt ? badge('unsure', `${finished}, due ${due}`) : badge('good', finished)
  }
  return dueAt.getTime() < now ? badge('bad', `overdue since ${due}`) : badge('unsure', `due ${due}`)
}

function decisionOf(
  options: ReviewsViewOptions,
  { review, reviewers }: ShownReview,
  item: ReviewItem,
): Child {
  const { nameOf, personId } = options
  if (item.decision !== null) {
    const by = item.decidedBy ? ` by ${nameOf(item.decidedBy)}` : ''
    const at = item.decidedAt ? `, ${absoluteTime(item.decidedAt.getTime())}` : ''
    return `${item.decision === 'keep' ? 'kept' : 'revoked'}${by}${at}`
  }
  if (review.closedAt !== null || item.personId === personId || !reviewers.includes(personId))
    return 'another reviewer decides'
  const form = (decision: string, label: string, look: 'plain' | 'danger'): Markup =>
    changeForm(
      options,
      `${TENANT_PATHS.reviews}/decide`,
      { item: item.id, decision },
      button(html`${label}<span class="hidden-text"> ${nameOf(item.personId)}</span>`, { look }),
    )
  return html`<div class="actions">${form('keep', 'Keep', 'plain')}${form('revoke', 'Revoke', 'danger')}</div>`
}

/** The newest are shown; older ones stay in the audit log. */
const MOST_PAST = 50

function historyCard(options: ReviewsViewOptions): Markup {
  const { history } = options
  return card({
    title: 'All reviews',
    body: dataTable({
      caption: `Reviews: ${history.length}`,
      rows: history.slice(0, MOST_PAST),
      columns: [
        {
          header: 'Begun',
          cell: ({ id, createdAt }) =>
            html`<a href="${TENANT_PATHS.reviews}?review=${id}#review">${absoluteDate(createdAt.getTime())}</a>`,
        },
        { header: 'Standing', cell: (review) => standing(options, review) },
        { header: 'Kept', align: 'number', cell: ({ kept }) => String(kept) },
        { header: 'Revoked', align: 'number', cell: ({ revoked }) => String(revoked) },
        { header: 'Open', align: 'number', cell: ({ open }) => String(open) },
      ],
    }),
  })
}
