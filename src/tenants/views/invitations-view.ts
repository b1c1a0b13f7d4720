import { button, card, dataTable, html, type Child, type Markup } from '../../ui/index.ts'
import { INVITATION_PATH, type Invitation } from '../invitations.ts'
import { changeForm, checkbox, fieldset, TENANT_PATHS, tenantPage, type TenantFrame } from './parts.ts'

export interface InvitationsCardOptions extends TenantFrame {
  /** Those that are open; null where no mail is configured. */
  readonly invitations: readonly Invitation[] | null
  /** Roles that can be given, with what they are called. */
  readonly roles: ReadonlyMap<string, string>
}

/** On the page of the members: who is invited, and inviting somebody. */
export function invitationsCard(options: InvitationsCardOptions): Child {
  const { invitations } = options
  if (invitations === null) {
    const absent = html`<p class="small">This site sends no mail: nobody can be invited by it.</p>`
    return card({ title: 'Invitations', body: absent })
  }
  return [
    invitations.length > 0 ? card({ title: 'Invitations', body: openTable(options, invitations) }) : null,
    card({ title: 'Invite somebody', body: inviteForm(options) }),
  ]
}

function openTable(options: InvitationsCardOptions, invitations: readonly Invitation[]): Markup {
  const { roles, nameOf } = options
  return dataTable({
    caption: `Open invitations: ${invitations.length}`,
    hideCaption: true,
    rows: invitations,
    columns: [
      { header: 'Address', cell: ({ email }) => email },
      {
        header: 'Roles',
        cell: (one) => one.roles.map((role) => roles.get(role) ?? role).join(', ') || 'none',
      },
      { header: 'Invited by', cell: ({ invitedBy }) => nameOf(invitedBy) },
      { header: 'Open until', cell: ({ expiresAt }) => expiresAt.toISOString().slice(0, 10) },
      {
        header: 'Change',
        cell: ({ id, email }) =>
          changeForm(
            options,
            `${TENANT_PATHS.members}/invitation-revoke`,
            { id },
            button(html`Take back<span class="hidden-text"> the invitation of ${email}</span>`, {
              look: 'danger',
            }),
          ),
      },
    ],
  })
}

function inviteForm(options: InvitationsCardOptions): Markup {
  const { roles } = options
  return changeForm(options, `${TENANT_PATHS.members}/invite`, {}, [
    html`<div class="field"><label for="invite-email">E-mail address</label>
<input id="invite-email" name="email" type="email" autocomplete="off" maxlength="254" required dir="auto" aria-describedby="invite-hint">
<p class="hint" id="invite-hint">The letter’s link opens for a week, once, to the account that has this address.</p></div>`,
    fieldset(
      'Roles',
      [...roles].map(([role, name]) => checkbox('role', role, name, role === 'member')),
    ),
    button('Send the invitation', { look: 'primary' }),
  ])
}

export interface InvitationView extends TenantFrame {
  /** `open`: can be accepted; `ended`: opens nothing any more; `refused`: not by this person; `accepted`: just now. */
  readonly state: 'open' | 'ended' | 'refused' | 'accepted'
  readonly token: string
}

const TEXTS = {
  open: {
    title: 'Join an organisation',
    lead: 'An administrator invites you. Its administrators will see that you belong to it, and what you may do there.',
  },
  ended: {
    title: 'This invitation has ended',
    lead: 'It was accepted, was taken back, or is more than a week old. Ask an administrator for another one.',
  },
  refused: { title: 'Not with this account', lead: 'Nothing has changed, and the invitation stays open.' },
  accepted: {
    title: 'You belong to it now',
    lead: 'What your role allows is open to you from now on.',
  },
} as const

/** Behind the link of an invitation. Opening it changes nothing: readers of mail open links by themselves. */
export function invitationView(view: InvitationView): Markup {
  const { state, token } = view
  const accept = changeForm(view, INVITATION_PATH, { token }, button('Join', { look: 'primary' }))
  const onwards = html`<p><a href="/">Continue to ${view.site.name}</a></p>`
  return tenantPage(view, {
    ...TEXTS[state],
    current: INVITATION_PATH,
    content: state === 'open' ? accept : onwards,
  })
}
