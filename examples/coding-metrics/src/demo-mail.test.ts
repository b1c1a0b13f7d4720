import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from 'surety'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoMailRoutes } from './demo-mail-page.ts'
import { openDemoMail, type DemoMail } from './demo-mail.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const clock = manualClock(NOW)
let dataDir: string
let mail: DemoMail
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coding-metrics-'))
  mail = openDemoMail(dataDir, clock, {})!
})
afterEach(() => rm(dataDir, { recursive: true }))

const letter = (subject: string, text = 'Words.\n', to = 'noor@elsewhere.example') => ({ to, subject, text })
const read = (url: string) => demoMailRoutes(mail).request(url)

test('keeps what it is given, the newest first, for its owner’s eyes only', async () => {
  expect(await mail.letters()).toEqual([])
  await mail.port.send(letter('first'))
  clock.advance(1_000)
  await mail.port.send(letter('second'))
  expect((await mail.letters()).map(({ subject, at }) => [subject, at])).toEqual([
    ['second', NOW + 1_000],
    ['first', NOW],
  ])
  const [name] = await readdir(join(dataDir, 'letters'))
  expect((await stat(join(dataDir, 'letters', name!))).mode & 0o777).toBe(0o600)
})

test('throws old letters away, and keeps none to a probe', async () => {
  for (let count = 0; count < 52; count++) {
    clock.advance(1)
    await mail.port.send(letter(`letter ${count}`))
  }
  await mail.port.send(letter('to a probe', 'Words.\n', 'tag@canary.example'))
  const subjects = (await mail.letters()).map(({ subject }) => subject)
  expect([subjects.length, subjects[0], subjects.at(-1)]).toEqual([50, 'letter 51', 'letter 2'])
})

test('is not there in production', () => {
  expect(openDemoMail(dataDir, clock, { NODE_ENV: 'production' })).toBeNull()
})

test('shows letters on this machine alone, and follows no address but its own', async () => {
  const text =
    'Open http://localhost:4001/account/address?token=a_b, not http://evil.example/x.\n\n<b>Bye</b>\n'
  await mail.port.send(letter('Confirm', text))
  const page = await (await read('http://localhost:4001/dev/mail')).text()
  expect(page).toContain('href="/account/address?token=a_b')
  expect(page).toContain('http://evil.example/x')
  expect(page).not.toContain('href="http')
  expect(page).toContain('&lt;b&gt;Bye')
  for (const name of ['codetime.example', '192.0.2.1', 'localhost.evil.example']) {
    const answer = await read(`http://${name}/dev/mail`)
    expect([name, answer.status, (await answer.text()).includes('Confirm')]).toEqual([name, 404, false])
  }
})
