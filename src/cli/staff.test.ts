import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger } from '../database/index.ts'
import { createPseudonym } from '../kernel/index.ts'
import { openSurety, type AnySurety, type SuretyConfig } from '../surety.ts'
import { membersOf } from './founders.ts'
import { staffCommand } from './staff.ts'
import { createTerminal } from './terminal.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const SURETY = new URL('../surety.ts', import.meta.url).href
const THREE = ['lead=Ravi@staff.example', 'lead=tove@staff.example', 'support=ines@staff.example']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'surety-staff-cli-'))
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'security.md'), '[Personal data is encrypted](promise:encryption.rest).\n')
  const staff = `{ roles: {
    support: { reads: ['accounts'] },
    lead: { approves: ['support'], appoints: ['support', 'lead'] },
  } }`
  writeConfig('surety.config.ts', `mail: { send: async () => undefined }, staff: ${staff}`)
  writeConfig('without-staff.ts', '')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function writeConfig(name: string, more: string): void {
  const text = `import { accountResources, defineSurety, staffResources } from '${SURETY}'
export default defineSurety({
  name: 'Letters', origin: 'letters.example', page: new URL('./security.md', import.meta.url),
  resources: { ...accountResources, ...staffResources }, roles: { member: [] }, signIn: {}, ${more}
})
`
  writeFileSync(join(folder, name), text)
}

function surety(...args: readonly string[]) {
  const env = { ...process.env, SURETY_DATA: join(folder, 'founded'), NO_COLOR: '1' }
  const all = ['--conditions=surety-source', MAIN, 'staff', ...args]
  return spawnSync(process.execPath, all, { cwd: folder, env, encoding: 'utf8' })
}

/** The system in a data folder, opened by the test and closed again. */
async function within(dataDir: string, work: (system: AnySurety) => Promise<void>): Promise<void> {
  const url = pathToFileURL(join(folder, 'surety.config.ts')).href
  const { default: config } = (await import(url)) as { default: SuretyConfig }
  const options = { dataDir: join(folder, dataDir), logger: silentLogger, endsEpochs: false }
  const system = (await openSurety(config, options)) as unknown as AnySurety
  try {
    await work(system)
  } finally {
    await system.close()
  }
}

const founders = (...given: string[]) =>
  given.map((text) => {
    const [role = '', who = ''] = text.split('=')
    return { role, who }
  })

test.each([
  [['found'], 'ERR_CLI_USAGE'],
  [['fire', ...THREE], 'ERR_CLI_USAGE'],
  [['found', 'ravi@staff.example'], 'ERR_CLI_USAGE'],
  [['found', 'lead='], 'ERR_CLI_USAGE'],
  [['found', ...THREE, 'owner=olga@staff.example'], 'ERR_CLI_STAFF'],
  [['found', 'support=ines@staff.example'], 'ERR_CLI_STAFF'],
  [['found', ...THREE], 'ERR_CLI_STAFF', 'without-staff.ts'],
])(
  'surety staff refuses %j with %s before it opens anything',
  async (positionals, code, config = 'surety.config.ts') => {
    const sink = { write: () => true }
    const terminal = createTerminal({ json: false, stdout: sink, stderr: sink, environment: {} })
    const options = { config: join(folder, config) }
    await expect(staffCommand.run({ positionals, options, terminal })).rejects.toMatchObject({
      code,
      mend: expect.stringMatching(/./),
    })
  },
)

test('nobody becomes staff by an address that is not proved to be theirs, and of two who found one does', async () => {
  await within('fresh', async (system) => {
    const { accounts, config } = system
    const add = (name: string, emailVerified: boolean) =>
      accounts!.add({ email: `${name}@staff.example`, emailVerified, name })
    await add('squatted', false)
    const off = await add('off', true)
    await accounts!.setEnabled(off, false)
    const ravi = await add('known', true)
    const { mail: _, ...withoutMail } = config
    const { signIn: __, ...elsewhere } = config
    const refused: [AnySurety, string[], string, RegExp][] = [
      [
        system,
        ['lead=ravi@staff.example', 'lead=squatted@staff.example'],
        'ERR_CLI_STAFF',
        /^the 2\. of .* nobody confirmed/,
      ],
      [system, ['lead=off@staff.example'], 'ERR_CLI_STAFF', /switched off/],
      [system, [`lead=${off}`], 'ERR_CLI_STAFF', /switched off/],
      [system, [`lead=${createPseudonym()}`], 'ERR_CLI_STAFF', /no account/],
      [system, ['lead=ravi@staff.example', 'lead=RAVI@staff.example'], 'ERR_CLI_STAFF', /named twice/],
      [system, ['lead=known@staff.example', `lead=${ravi}`], 'ERR_CLI_STAFF', /named twice/],
      [system, ['lead=ravi at staff'], 'ERR_IDENTITY_EMAIL', /./],
      [
        { ...system, config: withoutMail },
        ['lead=ravi@staff.example'],
        'ERR_CLI_STAFF',
        /nobody could sign in/,
      ],
      [{ ...system, config: elsewhere }, ['lead=ravi@staff.example'], 'ERR_CLI_STAFF', /sign in elsewhere/],
    ]
    const before = (await accounts!.list({ offset: 0, count: 1 })).total
    for (const [where, given, code, words] of refused) {
      const error = await membersOf(where, founders(...given)).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code, message: expect.stringMatching(words) })
      expect(String((error as Error).message)).not.toMatch(/@|squatted/)
    }
    expect((await accounts!.list({ offset: 0, count: 1 })).total).toBe(before)
    const id = createPseudonym()
    const far = { ...system, accounts: null, config: elsewhere }
    expect(await membersOf(far, founders(`lead=${id}`))).toEqual([{ role: 'lead', personId: id }])
    expect(await membersOf(system, founders(`lead=${ravi}`))).toEqual([{ role: 'lead', personId: ravi }])

    const { members } = system.staff!
    const [one, other] = [await add('one', true), await add('other', true)]
    const both = [one, other].map((personId) => members.found([{ personId, role: 'lead' }]))
    const ended = await Promise.allSettled(both)
    expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect([...(await members.all()).values()].map(({ active }) => active)).toEqual([true])
  })
}, 300_000)

test('the first members are named once, with a link for each that is kept nowhere; again is refused', async () => {
  const run = surety('found', ...THREE)
  expect([run.status, run.stderr]).toEqual([0, ''])
  const links = [...run.stdout.matchAll(/https:\/\/letters\.example\/console\/enrol#([\w-]{32})\n/g)]
  const codes = links.map(([, code]) => code!)
  expect(new Set(codes).size).toBe(3)
  expect(run.stdout).toMatch(/lead {2}Ravi@staff\.example\n {2}https/)
  expect(run.stdout).toContain('within 24 hours')
  expect(run.stdout).not.toContain('stay unproven')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  const telling = files.filter((file) => {
    if (!file.isFile()) return false
    const bytes = readFileSync(join(file.parentPath, file.name))
    return codes.some((code) => bytes.includes(code))
  })
  expect(telling.map(({ name }) => name)).toEqual([])

  const again = surety('found', 'lead=mallory@staff.example', '--json')
  expect(again.status).toBe(2)
  expect(JSON.parse(again.stdout)).toMatchObject({
    error: { code: 'ERR_STAFF_FOUNDED', mend: expect.any(String) },
  })
  await within('founded', async ({ accounts, staff }) => {
    const members = [...(await staff!.members.all()).values()]
    expect(members.map(({ role }) => role).toSorted()).toEqual(['lead', 'lead', 'support'])
    expect(members.every(({ active }) => active)).toBe(true)
    const ines = await accounts!.find({ email: 'ines@staff.example' })
    expect(members.find(({ id }) => id === ines!.personId)).toMatchObject({
      role: 'support',
      appointedBy: null,
    })
    expect(await accounts!.find({ email: 'mallory@staff.example' })).toBeNull()
  })
}, 300_000)
