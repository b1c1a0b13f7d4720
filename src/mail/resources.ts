import { field, resource, type TablesOf } from '../declare/index.ts'

/** Letters that are to be sent. What they say, and the links they carry, is made when they are. */
const waitingLetters = resource({
  name: 'waiting_letters',
  tenant: 'realmId',
  seal: 'tenant',
  purpose: 'send each letter, also after a crash and while the mail server is away',
  basis: 'contract',
  retention: '2d',
  undeclared: 'refuse',
  fields: {
    realmId: field.id('the same for all letters of this installation'),
    kind: field.text('which letter it is', { max: 40 }),
    about: field.text('whom and what it is about: addresses, pseudonyms, dates', { max: 2_048 }),
    tries: field.integer('how often it was tried', { min: 0 }),
    dueAt: field.timestamp('when it is tried next', { clear: 'letters that are due are found in SQL' }),
    expiresAt: field.timestamp('when it is given up'),
  },
})

/** What the room stores; `accountResources` has it, for there are no letters without accounts. */
export const mailResources = { waiting_letters: waitingLetters }

export type MailTables = TablesOf<typeof mailResources>
