/**
 * Mail: letters to people, sent by whom the configuration names.
 *
 * Promise: no answer to a request waits for a letter, or shows whether one was written; a letter is plain
 * text, follows nobody, and links to the configured address of this site only; an address stands in no log.
 *
 * How: what a letter is about is stored, sealed, in the transaction of what causes it (`letter-queue.ts`). What it
 * says is found out when it is sent (`outbox.ts`), behind the answer: so what a request may not tell does not show
 * in its time, and no link is stored. One that is not taken is tried again, each time later; one process has it at a
 * time, by a lease that outlasts a try. `smtp.ts`, which only `surety/smtp` loads, speaks to a mail server.
 *
 * What it does not do: send a letter exactly once. Where a process ends between handing one over and forgetting it,
 * it goes out again, and the link in the earlier one ends. After a day, or what its writer says, it is given up.
 */
export { letter, type LetterDraft } from './letter.ts'
export { createLetterQueue } from './letter-queue.ts'
export { openOutbox, type Outbox, type OutboxOptions } from './outbox.ts'
export { mailResources } from './resources.ts'
