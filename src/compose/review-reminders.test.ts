import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Accounts } from '../identity/index.ts'
import { openTestMail } from '../mail/testing.ts'
import { openWorld, type World } from '../tenants/testing/world.ts'
import { reviewReminders } from './mail.ts'
import { reminderLetter, remindReviewers, type ReminderFacts } from './review-reminders.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test('reviewers are written to, each once, with the way to the page and nobody’s name', async () => {
  const founder = await world.found()
  const second = await world.join(founder, ['administrator'])
  await world.join(founder, ['member'])
  await world.tenants.reviews.start(founder)
  const about: ReminderFacts[] = []
  const remind = () =>
    remindReviewers({ tenants: world.tenants, post: async (facts) => void about.push(facts) })
  const letters = () => about.map((facts) => reminderLetter(facts, 'https://codetime.example'))
  expect(await remind()).toBe(2)
  expect(new Set(about.map(({ personId }) => personId))).toEqual(new Set([founder.id, second.id]))
  expect(letters()[0]).toEqual({
    subject: 'A review of permissions waits for you',
    paragraphs: [
      '2 decisions wait for you: whether everybody in your organisation still needs what they may.',
      expect.stringMatching(/^Please decide by \d+ \w+ \d{4}\.$/),
      'https://codetime.example/account/reviews',
    ],
  })
  expect(JSON.stringify(letters())).not.toContain(second.id)
  expect(await remind()).toBe(0)
  world.clock.advance(15 * 86_400_000)
  await remind()
  expect(letters().at(-1)).toMatchObject({
    subject: 'A review of permissions is overdue',
    paragraphs: [expect.any(String), expect.stringMatching(/^It was due on /), expect.any(String)],
  })
})

test('what a reviewer is written goes out as the product’s letter, to the address of their account', async () => {
  const mail = openTestMail()
  mail.start({ store: world.store.store, clock: world.clock })
  const founder = await world.found()
  await world.join(founder, ['member'])
  await world.tenants.reviews.start(founder)
  const account = { email: 'grace@example.com' } as NonNullable<Awaited<ReturnType<Accounts['find']>>>
  const remind = reviewReminders({
    config: { name: 'Codetime' },
    outbox: mail.outbox,
    url: () => 'https://codetime.example',
    tenants: world.tenants,
    accounts: { find: async (by) => ('personId' in by && by.personId === founder.id ? account : null) },
  })
  await remind()
  const [letter, ...others] = await mail.to('grace@example.com')
  expect(others).toEqual([])
  expect(letter!.text).toContain('\n\nhttps://codetime.example/account/reviews\n\nCodetime\nhttps://')
})
