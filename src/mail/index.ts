/**
 * Mail: letters to people, sent by whom the configuration names.
 *
 * Promise: no answer to a request waits for a letter, or shows whether one was written; a letter is plain
 * text, follows nobody, and links to the configured address of this site only; an address stands in no log.
 *
 * How: what a letter says is found out and handed over in the background (`outbox.ts`), a few at once, so
 * that what a request may not tell does not show in its time. `smtp.ts`, which only `surety/smtp` loads,
 * speaks to a mail server.
 *
 * What it does not do: keep letters. One that is on its way when the process ends, or that the port does
 * not take, is lost; whoever waits for it asks again, and the limits of asking stand with the asker.
 */
export { letter, type LetterDraft } from './letter.ts'
export { openOutbox, type Outbox, type OutboxOptions } from './outbox.ts'
