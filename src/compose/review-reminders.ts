import { TENANT_PATHS, type ReviewReminder, type Tenants } from '../tenants/index.ts'
import { absoluteDate } from '../ui/index.ts'

/** What a reviewer is written. */
export interface ReminderLetter {
  readonly to: string
  readonly subject: string
  readonly paragraphs: readonly string[]
}

export interface ReminderParts {
  readonly tenants: Pick<Tenants, 'reviews'>
  /** Public address of the app. */
  readonly url: () => string
  /** Where a person is written to; null where nowhere. */
  readonly addressOf: (personId: string) => Promise<string | null>
  /** Has the letter written and sent; must not throw. */
  readonly post: (write: () => Promise<ReminderLetter | null>) => void
}

/** Writes to every reviewer who is to be reminded now; call it every hour. Gives how many are written to. */
export async function remindReviewers({ tenants, url, addressOf, post }: ReminderParts): Promise<number> {
  const reminders = await tenants.reviews.takeReminders()
  for (const reminder of reminders) {
    post(async () => {
      const to = await addressOf(reminder.personId)
      return to === null ? null : { to, ...letterOf(reminder, url()) }
    })
  }
  return reminders.length
}

function letterOf(
  { open, dueAt, overdue }: ReviewReminder,
  url: string,
): Pick<ReminderLetter, 'subject' | 'paragraphs'> {
  const decisions = open === 1 ? 'One decision waits' : `${open} decisions wait`
  const due = absoluteDate(dueAt.getTime())
  return {
    subject: overdue ? 'A review of permissions is overdue' : 'A review of permissions waits for you',
    paragraphs: [
      `${decisions} for you: whether everybody in your organisation still needs what they may.`,
      overdue ? `It was due on ${due}.` : `Please decide by ${due}.`,
      `${url}${TENANT_PATHS.reviews}`,
    ],
  }
}
