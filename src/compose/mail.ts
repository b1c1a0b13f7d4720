import type { SuretyConfig } from '../declare/index.ts'
import { canonicalEmail, type Accounts, type Identity } from '../identity/index.ts'
import {
  createLetterQueue,
  letter,
  mailResources,
  openOutbox,
  type Outbox,
  type OutboxOptions,
} from '../mail/index.ts'
import type { InvitationPorts, Tenants } from '../tenants/index.ts'
import { reminderLetter, remindReviewers, type ReminderParts } from './review-reminders.ts'

export type { Outbox } from '../mail/index.ts'

/** What hands letters over to the configured port, closed with the system; null where none is configured. */
export function openSystemOutbox(
  { mail }: Pick<SuretyConfig, 'mail'>,
  options: Pick<OutboxOptions, 'logger' | 'sends'>,
  keep: (room: Outbox) => void,
): Outbox | null {
  if (!mail) return null
  const outbox = openOutbox({ port: mail, ...options })
  keep(outbox)
  return outbox
}

export interface InvitationParts {
  readonly config: Pick<SuretyConfig, 'name'>
  readonly outbox: Outbox
  readonly url: () => string
  /** The library's own sign-in, whose accounts have the addresses. */
  readonly identity: () => Identity | null
}

/** Joins invitations to mail, and to the accounts that accept them. */
export function invitationPorts({ config, outbox, url, identity }: InvitationParts): InvitationPorts {
  return {
    outbox,
    from: () => ({ name: config.name, url: url() }),
    canonical: canonicalEmail,
    mayWriteTo: async (email) => (await identity()?.addresses?.mayWriteTo(email)) ?? false,
    prove: async (personId, email) => (await identity()?.addresses?.prove(personId, email)) ?? false,
  }
}

export interface ReminderMail extends Omit<InvitationParts, 'identity'> {
  readonly tenants: Tenants
  readonly accounts: Pick<Accounts, 'find'>
}

/** Letters wait in the system's own database, where the data map holds them: without accounts there are none. */
export function startOutbox(
  outbox: Outbox,
  config: Pick<SuretyConfig, 'resources'>,
  place: Parameters<typeof createLetterQueue>[0],
): void {
  const { waiting_letters: declared } = mailResources
  if (config.resources[declared.name] === declared) outbox.start(createLetterQueue(place))
}

/**
 * Joins the reminders of reviews to mail, and to the accounts that have the reviewers' addresses. Gives what
 * reminds whoever is to be reminded.
 */
export function reviewReminders({
  config,
  outbox,
  url,
  tenants,
  accounts,
}: ReminderMail): () => Promise<void> {
  outbox.writes('review-reminder', async ({ personId = '', open = '', dueAt = '', overdue = '' }) => {
    const to = (await accounts.find({ personId }))?.email
    if (to === undefined) return null
    const draft = reminderLetter({ open, dueAt, overdue }, url())
    return letter({ ...draft, to, from: { name: config.name, url: url() } })
  })
  const post: ReminderParts['post'] = (about) => outbox.post({ kind: 'review-reminder', about })
  return async () => void (await remindReviewers({ tenants, post }))
}
