import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ATTACKS, attackCommand } from '../../src/cli/attack/index.ts'
import { createTerminal } from '../../src/cli/terminal.ts'
import type { SecurityJson } from '../../src/page/index.ts'
import type { Caught } from '../../src/cli/attack/attack.ts'
import { startDemo, type Demo } from './demo.ts'

interface Noticed {
  readonly attack: string
  readonly caughtBy: string
  readonly saw: string
  /** Exit code of `surety verify` by somebody who comes for the first time. */
  readonly verify: number
}

interface Forged extends Noticed {
  readonly pinned: number
  readonly returning: number
  readonly witness: number
  readonly page: string
}

const cases = JSON.parse(readFileSync(new URL('../cases/attacks.json', import.meta.url), 'utf8')) as {
  onCopy: Forged[]
  onDemo: Noticed[]
}

let demo: Demo
beforeAll(async () => {
  demo = await startDemo()
  process.env['SURETY_DATA'] = demo.dataDir
  await untilMeasured()
}, 600_000)
afterAll(() => demo?.close())

/** Forgeries need the audit log recorded in the evidence log; the prober may go on measuring meanwhile. */
async function untilMeasured(): Promise<void> {
  for (let tries = 0; tries < 1_500; tries++) {
    const page = (await (await fetch(`${demo.system.url}/security.json`)).json()) as SecurityJson
    const isKept = (wanted: string): boolean =>
      page.promises.some(({ id, status }) => id === wanted && status === 'kept')
    if (isKept('monitor.audit-trail')) return
    await sleep(200)
  }
  throw new TypeError('the demo was not measured within five minutes')
}

/** Runs `surety attack` as the command line does, in this process. */
async function attack(name: string): Promise<{ code: number; caught: Caught }> {
  let out = ''
  const output = { write: (text: string) => (out += text) }
  const terminal = createTerminal({ json: true, stdout: output, stderr: output, environment: {} })
  const code = await attackCommand.run({ positionals: [name], options: {}, terminal })
  return { code, caught: (JSON.parse(out) as { caught: Caught }).caught }
}

describe('every attack is caught', () => {
  test('and stands in the table', () => {
    const listed = [...cases.onCopy, ...cases.onDemo].map(({ attack: name }) => name)
    expect(listed.toSorted()).toEqual(ATTACKS.map(({ name }) => name).toSorted())
  })

  // Each has a copy of its own.
  test.concurrent.each(cases.onCopy)('$attack, by $caughtBy', async (expected) => {
    const { code, caught } = await attack(expected.attack)
    expect(code).toBe(0)
    expect(caught).toMatchObject({
      by: expected.caughtBy,
      saw: expect.stringContaining(expected.saw) as string,
    })
    const [newcomer, pinned, returning, witness, page] = caught.views
    expect([newcomer!.exit, pinned!.exit, returning!.exit]).toEqual([
      expected.verify,
      expected.pinned,
      expected.returning,
    ])
    expect(Number(witness!.saw?.slice(0, 3) ?? 200)).toBe(expected.witness)
    expect(page!.saw ?? '').toContain(expected.page)
    expect(page!.saw === null).toBe(expected.page === '')
  })

  test('and those on a copy leave the demo as it was', async () => {
    expect((await demo.surety('verify', demo.system.url)).code).toBe(0)
  })

  test.each(cases.onDemo)('$attack, by $caughtBy', async (expected) => {
    const { code, caught } = await attack(expected.attack)
    expect(code).toBe(0)
    expect(caught).toMatchObject({
      by: expected.caughtBy,
      saw: expect.stringContaining(expected.saw),
      verifyExit: expected.verify,
    })
  })
})
