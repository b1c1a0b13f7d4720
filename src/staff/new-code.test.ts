import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPseudonym } from '../kernel/index.ts'
import { openTestStaff, type TestStaff } from './testing.ts'

let world: TestStaff
beforeAll(async () => {
  world = await openTestStaff()
})
afterAll(() => world.close())

const refused = (code: string) => ({ code: `ERR_STAFF_${code}` })

describe('a new enrolment code', () => {
  test('registers one more passkey beside the ones that are there', async () => {
    const { staff, second, supporter, enrol } = world
    const before = await staff.members.passkeys(supporter.id)
    const again = await enrol(await staff.members.renew(second.id, supporter.id))
    expect(again.id).toBe(supporter.id)
    expect(await staff.members.passkeys(supporter.id)).toHaveLength(before.length + 1)
  })

  test('puts the one before out of use', async () => {
    const { staff, second, supporter, enrol } = world
    const first = await staff.members.renew(second.id, supporter.id)
    const last = await staff.members.renew(second.id, supporter.id)
    await expect(enrol(first)).rejects.toMatchObject(refused('CODE'))
    await enrol(last)
  })

  test('comes from whoever appoints to the role, and from nobody for themselves', async () => {
    const { staff, first, engineer, supporter } = world
    await expect(staff.members.renew(engineer.id, supporter.id)).rejects.toMatchObject(refused('ROLE'))
    await expect(staff.members.renew(first.id, first.id)).rejects.toMatchObject(refused('ROLE'))
    await expect(staff.members.renew(first.id, createPseudonym())).rejects.toMatchObject(refused('ROLE'))
  })

  test('is not for who was dismissed', async () => {
    const { staff, second } = world
    const { personId } = await staff.members.appoint(second.id, {
      personId: createPseudonym(),
      role: 'support',
    })
    await staff.members.dismiss(second.id, personId)
    await expect(staff.members.renew(second.id, personId)).rejects.toMatchObject(refused('STATE'))
  })

  test('stands in the audit log before it serves', async () => {
    const { staff, first, supporter, entries } = world
    await staff.members.renew(first.id, supporter.id)
    const told = { kind: 'staff.appointed', actor: first.id, member: supporter.id, change: 'new code' }
    expect(await entries()).toContainEqual(expect.objectContaining(told))
  })
})
