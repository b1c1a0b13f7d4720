import { join } from 'node:path'
import type { Backend } from './backend.ts'
import { createDemoPasskey } from './demo-passkey.ts'
import { writeSecret } from './demo-secrets.ts'

/** The made-up staff of the demo, as its identity provider knows them; the roles are those of `staff.ts`. */
const STAFF = [
  { sub: 'person-ines', email: 'ines@staff.codetime.example', name: 'Ines', role: 'support' },
  { sub: 'person-ravi', email: 'ravi@staff.codetime.example', name: 'Ravi', role: 'lead' },
  { sub: 'person-tove', email: 'tove@staff.codetime.example', name: 'Tove', role: 'lead' },
] as const

/** A member of the demo's staff as `npm start` hands them out. */
export interface DemoMember {
  readonly personId: string
  readonly sub: string
  readonly email: string
  readonly role: string
  /** Registers a passkey of whoever tries the demo, once, within 24 hours; null for who signs nothing. */
  readonly enrolmentCode: string | null
}

/**
 * Founds the demo's staff at the first start, as a product does it once in its set-up, and gives each a
 * security key in software, whose private part lies in the data folder. Whoever tries the demo has other
 * keys, so those who approve are given a code for one more by each other.
 */
export async function openDemoStaff(backend: Backend, dataDir: string): Promise<DemoMember[]> {
  const { members } = backend.staff
  const people: { readonly personId: string; readonly role: string }[] = []
  for (const { role, ...account } of STAFF) people.push({ personId: await accountOf(backend, account), role })
  if ((await members.all()).size === 0) await members.found(people)
  const enrolled = await members.enrolled()
  const opened: DemoMember[] = []
  for (const [at, { sub, email, role }] of STAFF.entries()) {
    const { personId } = people[at]!
    const lead = people.find((one) => one.role === 'lead' && one.personId !== personId)!.personId
    if (!enrolled.has(personId)) {
      const { code } = await members.renew(lead, personId)
      const key = createDemoPasskey(backend.staff.passkeys, members.enrolmentChallenge(code))
      await writeSecret(join(dataDir, 'staff-keys', `${sub}.json`), key)
      await members.enrol({ personId, code }, key.registration)
    }
    const signs = role === 'lead'
    const enrolmentCode = signs ? (await members.renew(lead, personId)).code : null
    opened.push({ personId, sub, email, role: `staff:${role}`, enrolmentCode })
  }
  return opened
}

async function accountOf(
  { accounts }: Backend,
  { email, name }: { readonly email: string; readonly name: string },
): Promise<string> {
  const found = await accounts.find({ email })
  return found?.personId ?? accounts.add({ email, emailVerified: true, name })
}
