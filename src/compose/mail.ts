import type { SuretyConfig } from '../declare/index.ts'
import type { Logger } from '../database/index.ts'
import { canonicalEmail, type Identity } from '../identity/index.ts'
import { openOutbox, type Outbox } from '../mail/index.ts'
import type { InvitationPorts } from '../tenants/index.ts'

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
