import type { SuretyConfig } from '../declare/index.ts'
import type { Logger } from '../database/index.ts'
import { canonicalEmail, type Accounts, type Identity } from '../identity/index.ts'
import { letter, openOutbox, type Outbox } from '../mail/index.ts'
import type { InvitationPorts, Tenants } from '../tenants/index.ts'
import { remindReviewers } from './review-reminders.ts'

export type { Outbox } from '../mail/index.ts'

/** What hands letters over to the configured port, closed with the system; null where none is configured. */
export function openSystemOutbox(
  { mail }: Pick<SuretyConfig, 'mail'>,
  logger: Logger,
  keep: (room: Outbox) => void,
): Outbox | null {
  if (!mail) return null
  const outbox = openOutbox({ port: mail, logger })
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

/** Joins the reminders of reviews to mail, and to the accounts that have the reviewers' addresses. */
export async function reviewReminders({
  config,
  outbox,
  url,
  tenants,
  accounts,
}: ReminderMail): Promise<void> {
  await remindReviewers({
    tenants,
    url,
    addressOf: async (personId) => (await accounts.find({ personId }))?.email ?? null,
    post: (write) =>
      outbox.post(async () => {
        const draft = await write()
        return draft && letter({ ...draft, from: { name: config.name, url: url() } })
      }),
  })
}
