import { fileURLToPath } from 'node:url'
import { ORIGIN } from './origin.ts'
import { defineSurety, field, resource } from '../../src/surety.ts'
import type { Principal } from '../../src/surety.ts'

const TEAM = '6f1c3c1e-8d0b-4d51-9a53-3f1d3b0f7a01'
const PERSON = '6f1c3c1e-8d0b-4d51-9a53-3f1d3b0f7a02'

export const notes = resource({
  name: 'notes',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'hold what a client was told is stored',
  basis: 'contract',
  retention: 'account',
  undeclared: 'refuse',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    number: field.integer('which write this was', { clear: 'looked up in SQL' }),
    text: field.text('what was written', { max: 500 }),
  },
})

/** A small system with everything that faults can hit: sealed rows, a page, an evidence log. */
export const config = defineSurety({
  name: 'Faults',
  origin: ORIGIN,
  page: fileURLToPath(new URL('./security.md', import.meta.url)),
  resources: { notes },
  roles: { member: ['notes:*:own'] },
})

/** The one person who writes. */
export const writer: Principal = { kind: 'user', id: PERSON, tenant: TEAM, roles: ['member'] }

/** The row of a write. */
export function noteOf(number: number, text: string) {
  return { personId: PERSON, teamId: TEAM, number, text }
}
