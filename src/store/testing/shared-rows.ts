import type { Principal } from '../../access/index.ts'
import { field, resource } from '../../declare/index.ts'
import { createPseudonym } from '../../kernel/index.ts'
import { openStoreOver, type TestStore } from '../testing.ts'

const BASE = { basis: 'contract', retention: 'account', tenant: 'teamId' } as const

/** Resources with unique sets, and with rows about several people. */
export const sharedResources = {
  documents: resource({
    ...BASE,
    name: 'documents',
    subject: 'personId',
    purpose: 'to show the person their documents',
    unique: [['slug'], ['number']],
    fields: {
      personId: field.id(),
      teamId: field.id(),
      slug: field.text('name in the address', { max: 80, index: 'blind' }),
      number: field.integer('number', { clear: 'sorted in SQL' }),
      body: field.text('text', { max: 1000 }),
      words: field.integer('length', { clear: 'summed in SQL', min: 0, max: 1000 }),
    },
  }),
  reviews: resource({
    ...BASE,
    name: 'reviews',
    subjects: { authorId: 'delete', reviewerId: 'blank' },
    purpose: 'to let one person review the work of another',
    unique: [['title']],
    fields: {
      authorId: field.id(),
      reviewerId: field.id('who reviews', { optional: true }),
      teamId: field.id(),
      title: field.text('title', { max: 80, about: 'authorId', index: 'blind' }),
      work: field.text('the work', { max: 1000, about: 'authorId' }),
      verdict: field.text('what the reviewer says', {
        max: 1000,
        about: 'reviewerId',
        index: 'blind',
        optional: true,
      }),
      mark: field.integer('mark', {
        about: 'reviewerId',
        clear: 'averaged in SQL',
        optional: true,
      }),
      round: field.integer('round', { clear: 'sorted in SQL' }),
    },
  }),
  messages: resource({
    ...BASE,
    name: 'messages',
    subjects: { senderId: 'keep-others', recipientId: 'keep-others' },
    purpose: 'to let people write to each other',
    fields: {
      senderId: field.id('who wrote', { optional: true }),
      recipientId: field.id('who reads', { optional: true }),
      teamId: field.id(),
      text: field.text('text', { max: 1000, about: 'senderId', optional: true }),
      note: field.text('private note of the reader', { max: 1000, about: 'recipientId', optional: true }),
    },
  }),
}

export const sharedRoles = {
  member: ['documents:*:own', 'reviews:*:own', 'messages:*:own'],
  administrator: ['documents:*:tenant', 'reviews:*:tenant', 'messages:*:tenant'],
  auditor: ['reviews:read:own'],
} as const

export type SharedStore = TestStore<typeof sharedResources>

export function openSharedStore(): Promise<SharedStore> {
  return openStoreOver(sharedResources, sharedRoles)
}

export function person(
  tenant: string,
  role: keyof typeof sharedRoles = 'member',
  id = createPseudonym(),
): Principal {
  return { kind: 'user', id, tenant, roles: [role] }
}
