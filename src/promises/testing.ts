import { field, resource, type SuretyConfig } from '../declare/index.ts'

/** A small data map for tests: one sealed, one indexed and one clear field about a person. */
export const people = resource({
  name: 'people',
  subject: 'personId',
  purpose: 'to sign in',
  basis: 'contract',
  retention: 'account',
  fields: {
    personId: field.id(),
    email: field.text('address', { max: 99, index: 'blind' }),
    seen: field.timestamp('last visit', { clear: 'sorted in SQL' }),
  },
})

export const config: SuretyConfig = {
  name: 'Codetime',
  origin: 'codetime.example',
  page: 'security.md',
  resources: { people },
  roles: {},
}
