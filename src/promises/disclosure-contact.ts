import { z } from 'zod'
import { readSecurityTxt } from '../verify/index.ts'
import { definePromise } from './definition.ts'
import { siteOf } from './site.ts'

/** There is a security contact, and a machine-readable file that names it (RFC 9116). */
export const disclosureContact = definePromise({
  id: 'disclosure.contact',
  evidence: 'measured',
  checkedBy: 'outside',
  version: 1,
  cadence: '1d',
  parameters: z.strictObject({}),

  check: ({ disclosure }) =>
    disclosure?.contact.length
      ? []
      : [
          {
            key: 'disclosure.contact',
            problem: 'is not set',
            mend: "add disclosure: { contact: ['mailto:security@…'] }",
          },
        ],

  cannotProve: () => ['That somebody reads the reports and answers them.', 'That the policy is followed.'],

  async probe(context) {
    const response = await fetch(new URL('/.well-known/security.txt', siteOf(context)), {
      signal: context.signal,
    })
    const type = response.headers.get('content-type') ?? ''
    if (!response.ok || !type.startsWith('text/plain')) {
      const summary = `/.well-known/security.txt answers ${response.status} with type ${type.split(';')[0] || 'none'}, not a plain text.`
      return { outcome: 'broken', summary, values: { status: response.status } }
    }
    const read = readSecurityTxt(await response.text(), context.clock.now())
    if (!read.ok)
      return { outcome: 'broken', summary: `security.txt is not usable: ${read.problem}.`, values: {} }
    const { contacts, expires } = read.file
    const daysLeft = Math.floor((expires - context.clock.now()) / 86_400_000)
    const summary = `security.txt names ${contacts.length} ${contacts.length === 1 ? 'contact' : 'contacts'} and is valid for ${daysLeft} more days.`
    return { outcome: 'kept', summary, values: { contacts: contacts.length, daysLeft } }
  },
})
