import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { createAccounts, type Accounts } from './accounts.ts'
import type { AccountStore } from './database.ts'
import { CLIENT, GOOD_PASSWORD, openTestIdentity, OTHER_PASSWORD, type TestIdentity } from './testing.ts'

// What happens between two lines of a sign-in: somebody else's change commits there.
/** Nobody's session: all end. */
const NO_SESSION = createPseudonym()
let opened: TestIdentity
let accounts: Accounts
beforeAll(async () => {
  opened = await openTestIdentity()
  accounts = createAccounts({ store: opened.store, clock: opened.world.clock })
  // Loads what is loaded with the first sign-up and sign-in.
  await signIn((await newPerson()).email)
}, 120_000)
afterAll(() => opened.close())

/** A store whose first answer to a task is given only once `work` is done. */
function interrupted(task: string, work: () => Promise<unknown>): { readonly store: AccountStore } {
  let isDone = false
  const store: AccountStore = (asked, tables) => {
    const db = opened.store(asked, tables)
    if (asked !== task) return db
    return db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (!isDone) {
          isDone = true
          await work()
        }
        return result
      },
    })
  }
  return { store }
}

let count = 0
async function newPerson(): Promise<{ readonly personId: string; readonly email: string }> {
  const email = `racing-${++count}@example.com`
  await opened.identity.passwords.signUp({ email, name: 'Ada', password: GOOD_PASSWORD })
  const { personId } = (await accounts.find({ email }))!
  return { personId, email }
}
const signIn = (email: string, password = GOOD_PASSWORD, identity = opened.identity) =>
  identity.passwords.signIn({ email, password }, CLIENT)
const refused = { code: 'ERR_IDENTITY_CREDENTIALS' }

describe('a sign-in that is under way', () => {
  test('opens nothing where the account is switched off meanwhile', async () => {
    const { personId, email } = await newPerson()
    const off = () => accounts.setEnabled(personId, false)
    await expect(
      signIn(email, GOOD_PASSWORD, opened.reopen(interrupted('sign-in', off))),
    ).rejects.toMatchObject(refused)
    expect(await opened.identity.sessions.list(personId)).toEqual([])
  })

  test('opens nothing by another way either', async () => {
    const { personId } = await newPerson()
    const late = opened.reopen(interrupted('sign-in', () => accounts.setEnabled(personId, false)))
    await expect(late.enter(personId, ['passkey'], CLIENT)).rejects.toMatchObject(refused)
    expect(await opened.identity.sessions.list(personId)).toEqual([])
  })

  test('opens nothing with a password that is changed meanwhile', async () => {
    const { personId, email } = await newPerson()
    const change = async () => {
      await opened.identity.passwords.change(personId, OTHER_PASSWORD, NO_SESSION)
      await opened.identity.sessions.endAll(personId)
    }
    const late = opened.reopen(interrupted('sign-in', change))
    await expect(signIn(email, GOOD_PASSWORD, late)).rejects.toMatchObject(refused)
    expect(await opened.identity.sessions.list(personId)).toEqual([])
    await signIn(email, OTHER_PASSWORD)
  })

  test('brings no old password back when it strengthens the hash', async () => {
    const { personId, email } = await newPerson()
    const change = () => opened.identity.passwords.change(personId, OTHER_PASSWORD, NO_SESSION)
    const argon2 = { memoryKib: 128, passes: 2, lanes: 1 }
    const late = opened.reopen({ ...interrupted('check-password', change), argon2 })
    await signIn(email, GOOD_PASSWORD, late)
    await expect(signIn(email)).rejects.toMatchObject(refused)
    await signIn(email, OTHER_PASSWORD)
  })
})

describe('signing out everywhere', () => {
  test('ends a session that gets a new token meanwhile', async () => {
    const { personId, email } = await newPerson()
    const { sessions } = opened.identity
    const stolen = await signIn(email)
    let renewed: string | null = null
    const rotate = async () => (renewed = await sessions.rotate(stolen, {}))
    const late = opened.reopen(interrupted('sessions', rotate))
    expect(await late.sessions.endAll(personId)).toBe(1)
    expect(renewed).not.toBeNull()
    expect(await sessions.find(renewed!)).toBeNull()
  })
})
