import { TENANT_PATHS, type Tenants } from '../tenants/index.ts'
import { absoluteDate } from '../ui/index.ts'

/** What a reviewer is written. */
export interface ReminderLetter {
  readonly to: string
  readonly subject: string
  readonly paragraphs: readonly string[]
}

export interface ReminderParts {
  readonly tenants: Pick<Tenants, 'reviews'>
  /** Has a letter about this written and sent. */
  readonly post: (about: ReminderFacts) => Promise<void>
}

/** What a reminder is about, as it is stored until it is sent. */
export type ReminderFacts = Readonly<Record<'personId' | 'open' | 'dueAt' | 'overdue', string>>

/** Writes to every reviewer who is to be reminded now; call it every hour. Gives how many are written to. */
export async function remindReviewers({ tenants, post }: ReminderParts): Promise<number> {
  const reminders = await tenants.reviews.takeReminders()
  for (const { personId, open, dueAt, overdue } of reminders)
    await post({ personId, open: `${open}`, dueAt: `${dueAt.getTime()}`, overdue: overdue ? 'yes' : '' })
  return reminders.length
}

/** @param url public address of the app */
export function reminderLetter(
  { open, dueAt, overdue }: Omit<ReminderFacts, 'personId'>,
  url: string,
): Omit<ReminderLetter, 'to'> {
  const decisions = open === '1' ? 'One decision waits' : `${open} decisions wait`
  const due = absoluteDate(Number(dueAt))
  return {
    subject: overdue ? 'A review of permissions is overdue' : 'A review of permissions waits for you',
    paragraphs: [
      `${decisions} for you: whether everybody in your organisation still needs what they may.`,
      overdue ? `It was due on ${due}.` : `Please decide by ${due}.`,
      `${url}${TENANT_PATHS.reviews}`,
    ],
  }
}
