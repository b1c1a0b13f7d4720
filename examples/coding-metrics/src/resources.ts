import { accountResources, field, resource, tenantResources } from 'surety'

/** A team is the tenant: whoever measures alone is a team of one. Who belongs to it stands in `tenantResources`. */
export const teams = resource({
  name: 'teams',
  tenant: 'teamId',
  seal: 'tenant',
  purpose: 'keep the people of one team together and apart from all others',
  basis: 'contract',
  retention: 'account',
  undeclared: 'refuse',
  fields: {
    teamId: field.id('random identifier of the team'),
    name: field.text('name of the team', { max: 120 }),
  },
})

export const people = resource({
  name: 'people',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'know whose coding time it is',
  basis: 'contract',
  retention: 'account',
  undeclared: 'refuse',
  unique: [['personId']],
  fields: {
    personId: field.id('random identifier of the person, never an e-mail address'),
    teamId: field.id('the team the person belongs to'),
    email: field.text('e-mail address the person signs in with', { max: 254, index: 'blind-installation' }),
    displayName: field.text('name shown to the person and their team', { max: 120 }),
  },
})

/** Keys editors authenticate with: we keep what recognises a key, never the key. */
export const apiKeys = resource({
  name: 'api_keys',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'recognise the key that the person put into their editor',
  basis: 'contract',
  retention: 'account',
  undeclared: 'refuse',
  fields: {
    personId: field.id('the person the key belongs to'),
    teamId: field.id('the team of that person'),
    keyHash: field.text('SHA-256 of the key', { max: 64, index: 'blind-installation' }),
  },
})

/**
 * What `category` may say; a client's other words are left out, so that this clear column can carry
 * nothing but one of these.
 */
export const CATEGORIES = [
  'advising',
  'ai coding',
  'animating',
  'browsing',
  'building',
  'code reviewing',
  'coding',
  'communicating',
  'debugging',
  'designing',
  'indexing',
  'learning',
  'manual testing',
  'meeting',
  'notes',
  'planning',
  'researching',
  'running tests',
  'supporting',
  'translating',
  'writing docs',
  'writing tests',
] as const

export const ENTITY_TYPES = ['file', 'app', 'domain', 'url', 'event'] as const

export const heartbeats = resource({
  name: 'heartbeats',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'show the person, and their team’s administrators, how coding time is spent',
  basis: 'contract',
  retention: 'account',
  undeclared: 'drop',
  fields: {
    personId: field.id('the person whose editor reported'),
    teamId: field.id('the team of that person'),
    time: field.timestamp('when the editor reported activity', {
      clear: 'days and ranges are selected in SQL',
    }),
    language: field.text('programming language of the file', {
      max: 64,
      optional: true,
      clear: 'counted per language in SQL',
    }),
    category: field.choice('what the person was doing, from a fixed list', CATEGORIES, {
      optional: true,
      clear: 'counted per activity in SQL',
    }),
    entity: field.text('path of the open file, or name of the app, domain or page', { max: 4096 }),
    type: field.choice('whether the entity is a file, an app, a domain, a page or an event', ENTITY_TYPES),
    project: field.text('project the entity belongs to', { max: 255, optional: true, index: 'blind' }),
    branch: field.text('branch checked out in the project', { max: 255, optional: true, index: 'blind' }),
    machine: field.text('name of the computer, from the header X-Machine-Name', { max: 255, optional: true }),
    timeZone: field.text('time zone of the computer, from the header TimeZone', { max: 64, optional: true }),
    userAgent: field.text('editor, plug-in and operating system with their versions', {
      max: 512,
      optional: true,
    }),
    dependencies: field.list('libraries the file imports', { max: 1000, itemMax: 255, optional: true }),
    isWrite: field.boolean('whether the file was being saved', { optional: true }),
    lines: field.integer('number of lines in the file', { min: 0, max: 2_000_000_000, optional: true }),
    lineNumber: field.integer('line of the cursor', { min: 0, max: 2_000_000_000, optional: true }),
    cursorPosition: field.integer('position of the cursor', { min: 0, max: 2_000_000_000, optional: true }),
  },
})

/** The data map: everything this product keeps. */
export const resources = {
  ...accountResources,
  ...tenantResources,
  teams,
  people,
  api_keys: apiKeys,
  heartbeats,
}
