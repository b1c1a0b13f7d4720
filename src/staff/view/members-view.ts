import type { StaffMember } from '../../access/index.ts'
import { badge, card, dataTable, html, pageHeading, type Child, type Markup } from '../../ui/index.ts'
import { CONSOLE_PATHS, signBox, staffFrame, type StaffFrame } from './frame.ts'
import { textField } from './request-view.ts'

/** A staff member as the others see one. */
export interface ListedMember extends Pick<StaffMember, 'id' | 'role' | 'active'> {
  readonly hasPasskey: boolean
  /** True where the visitor may have their passkeys replaced. */
  readonly replaceable: boolean
}

export interface MembersViewOptions extends StaffFrame {
  readonly members: readonly ListedMember[]
  /** Id of the visitor. */
  readonly self: string
}

/** `/console/staff`: who is staff, and who lost their passkey. */
export function membersView(options: MembersViewOptions): Markup {
  const { members, self } = options
  return staffFrame(options, {
    title: 'Staff',
    current: CONSOLE_PATHS.staff,
    console: true,
    signs: true,
    content: [
      pageHeading({
        title: 'Staff',
        lead: 'Who may ask for access, sign and review. Whoever lost their passkey tells a colleague the id that stands here.',
      }),
      card({ title: 'You', body: html`<p>Your id is <code>${self}</code>.</p>` }),
      card({
        title: 'Members',
        body: [
          html`<p>To replace a passkey ends its owner’s grants and whatever it signed. You sign that it is so, and get a link to give to them yourself: it serves once, for an hour, to them alone.</p>`,
          memberTable(options, members),
        ],
      }),
    ],
  })
}

function memberTable(options: MembersViewOptions, members: readonly ListedMember[]): Markup {
  return dataTable<ListedMember>({
    caption: 'Members of staff',
    hideCaption: true,
    columns: [
      { header: 'Id', cell: ({ id }) => html`<code>${id}</code>` },
      { header: 'Role', cell: ({ role }) => html`<span class="word">${role}</span>` },
      { header: 'State', cell: stateOf },
      { header: 'Passkey', cell: (member) => replaceBox(options, member) },
    ],
    rows: members,
  })
}

function stateOf({ active, hasPasskey }: ListedMember): Markup {
  if (!active) return badge('neutral', 'not active')
  return hasPasskey ? badge('good', 'active') : badge('unsure', 'no passkey')
}

function replaceBox(options: MembersViewOptions, { id, replaceable, hasPasskey }: ListedMember): Child {
  if (!replaceable) return null
  const path = `${CONSOLE_PATHS.staff}/${id}/replacement`
  const label = hasPasskey ? 'Replace it' : 'Give a link'
  return signBox(options, { challenge: `${path}/challenge`, send: path, label, look: 'plain' })
}

/** `/console/enrol`: a passkey, with the code that somebody gave. */
export function enrolView(options: StaffFrame): Markup {
  return staffFrame(options, {
    title: 'Register a passkey',
    console: true,
    signs: true,
    content: [
      pageHeading({
        title: 'Register a passkey',
        lead: 'With the code or the link that you were given. It serves once.',
      }),
      card({
        body: [
          html`<form class="form" id="enrol">${textField('code', 'Enrolment code', 'From whoever appointed you, or replaced your passkey.', {}, 64)}</form>`,
          signBox(options, {
            ...{ challenge: `${CONSOLE_PATHS.enrol}/challenge`, send: CONSOLE_PATHS.enrol, fields: '#enrol' },
            ...{ does: 'create', label: 'Register a passkey' },
          }),
        ],
      }),
    ],
  })
}
