import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { findSoftHsm } from '../../../scripts/softhsm.ts'
import { systemClock } from '../../kernel/index.ts'
import { openPkcs11Provider, type KeyProvider } from '../index.ts'
import { CKA, loadCryptoki } from './pkcs11/cryptoki.ts'
import { moduleEnvironment } from './pkcs11/environment.ts'
import { keyProviderContract, type ProviderUnderTest } from './provider-contract.ts'

const MODULE = findSoftHsm() ?? ''
const PIN = 'pin-71350264'
const TOKEN = 'surety-test'
const TIMEOUT_MS = 5_000

const hasSoftHsm = MODULE !== ''
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false'

let base: string
let config: string
let opened = 0

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'surety-hsm-'))
})
afterAll(() => rm(base, { recursive: true, force: true }))

/** A fresh token; the processes started from now on see it alone. */
async function makeToken(): Promise<string> {
  const folder = join(base, `token-${opened++}`)
  await mkdir(folder)
  config = join(base, `softhsm-${opened}.conf`)
  await writeFile(config, `directories.tokendir = ${folder}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = config
  const options = ['--init-token', '--free', '--label', TOKEN, '--pin', PIN, '--so-pin', 'so-pin-11']
  execFileSync('softhsm2-util', options, { stdio: 'ignore' })
  return folder
}

const open = (timeoutMs = TIMEOUT_MS): Promise<KeyProvider> =>
  openPkcs11Provider({ module: MODULE, token: TOKEN, pin: async () => PIN, clock: systemClock, timeoutMs })

/** Processes that this one started and that run the module. */
function hsmProcesses(): number[] {
  const tasks = readdirSync('/proc/self/task')
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' '),
  )
  return children.filter((pid) => pid !== '' && commandOf(pid).includes('hsm-process')).map(Number)
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

function killAll(): void {
  for (const pid of hsmProcesses()) process.kill(pid, 'SIGKILL')
}

async function openSubject(): Promise<ProviderUnderTest> {
  const folder = await makeToken()
  const provider = await open()
  return {
    provider,
    reopen: open,
    timeoutMs: TIMEOUT_MS,
    secrets: [PIN],
    outages: [
      {
        name: 'loses its token',
        async begin() {
          await rename(folder, `${folder}-gone`)
          await mkdir(folder)
          killAll()
        },
        async end() {
          await rm(folder, { recursive: true })
          await rename(`${folder}-gone`, folder)
        },
      },
      {
        // A pipe that nobody writes to: the module never comes back from reading its configuration.
        name: 'hangs in native code',
        async begin() {
          await rename(config, `${config}-kept`)
          execFileSync('mkfifo', [config])
          killAll()
        },
        async end() {
          await rm(config)
          await rename(`${config}-kept`, config)
        },
      },
    ],
    close: async () => provider.close?.(),
  }
}

if (isCi && !hasSoftHsm)
  it('has SoftHSM 2 in CI', () => expect(hasSoftHsm, 'install the package softhsm2').toBe(true))

describe.skipIf(!hasSoftHsm)('the PKCS#11 provider on SoftHSM 2', () => {
  for (const { name, run } of keyProviderContract(openSubject, ['loses its token', 'hangs in native code']))
    it(name, run, 90_000)

  describe('on one token', () => {
    let provider: KeyProvider
    const secret = Buffer.alloc(32, 7)
    const context = Buffer.from('bucket 1')
    beforeEach(async () => {
      await makeToken()
      provider = await open()
      return async () => provider.close?.()
    })

    it('makes keys that the token itself refuses to give away', async () => {
      const id = await provider.create('live-1')
      const cryptoki = await loadCryptoki(MODULE)
      cryptoki.initialize()
      const session = cryptoki.openSession(cryptoki.tokens().find(({ label }) => label === TOKEN)!.slot)
      cryptoki.login(session, PIN)
      const [handle] = cryptoki.find(session, [
        { type: CKA.id, value: Buffer.from(id.slice(-36).replaceAll('-', ''), 'hex') },
      ])
      const flag = (type: number): number | undefined => cryptoki.attribute(session, handle!, type)[0]
      expect([
        flag(CKA.sensitive),
        flag(CKA.extractable),
        flag(CKA.neverExtractable),
        flag(CKA.wrap),
      ]).toEqual([1, 0, 1, 0])
      const VALUE = 0x11
      expect(() => cryptoki.attribute(session, handle!, VALUE)).toThrow('C_GetAttributeValue returned 0x11')
    })

    it('says that a destruction is confirmed', async () => {
      expect(await provider.destroy(await provider.create('live-1'))).toBe('confirmed')
    })

    it.each(['SIGKILL', 'SIGSEGV'] as const)('goes on when its process dies of %s', async (signal) => {
      const id = await provider.create('live-1')
      const wrapped = await provider.wrap(id, secret, context)
      for (const pid of hsmProcesses()) process.kill(pid, signal)
      expect(Buffer.from(await provider.unwrap(id, wrapped, context))).toEqual(secret)
    })

    it('ends a process that stands still, in time, and goes on with a new one', async () => {
      const id = await provider.create('live-1')
      const wrapped = await provider.wrap(id, secret, context)
      const [stopped] = hsmProcesses()
      process.kill(stopped!, 'SIGSTOP')
      const calls = [1, 2, 3].map(() => provider.unwrap(id, wrapped, context))
      for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected')
      expect(Buffer.from(await provider.unwrap(id, wrapped, context))).toEqual(secret)
      expect(hsmProcesses()).not.toContain(stopped)
      expect(hsmProcesses()).toHaveLength(1)
    })

    it('hands its process no variable of the app’s environment but those that are named', async () => {
      await provider.close?.()
      await expect.poll(hsmProcesses).toEqual([])
      vi.stubEnv('APP_SECRET', 'planted-5512')
      vi.stubEnv('NFAST_HOME', '/opt/nfast')
      const options = { module: MODULE, token: TOKEN, pin: async () => PIN, clock: systemClock }
      const other = await openPkcs11Provider({ ...options, environment: ['NFAST_HOME'] })
      const environment = readFileSync(`/proc/${hsmProcesses()[0]}/environ`, 'utf8').split('\0')
      expect(environment).toContain('NFAST_HOME=/opt/nfast')
      expect(environment).not.toContain('APP_SECRET=planted-5512')
      const channel = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']
      const known = Object.keys(moduleEnvironment(['NFAST_HOME'], process.env))
      const names = environment.filter((entry) => entry !== '').map((entry) => entry.split('=')[0])
      expect(new Set(names)).toEqual(new Set([...known, ...channel]))
      await other.close?.()
      vi.unstubAllEnvs()
    })

    it('leaves no process behind', async () => {
      await provider.close?.()
      await expect.poll(hsmProcesses).toEqual([])
    })

    it('neither opens nor claims to have destroyed a key of another token', async () => {
      const id = await provider.create('live-1')
      const wrapped = await provider.wrap(id, secret, context)
      await makeToken()
      const other = await open()
      for (const call of [other.unwrap(id, wrapped, context), other.destroy(id)])
        await expect(call).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_UNAVAILABLE' })
      await other.close?.()
    })

    it('tries a refused PIN once only, so that the token is not locked', async () => {
      let pin = PIN
      const clumsy = await openPkcs11Provider({
        module: MODULE,
        token: TOKEN,
        pin: async () => pin,
        clock: systemClock,
      })
      killAll()
      pin = 'wrong-pin-5'
      for (let call = 0; call < 20; call++)
        await expect(clumsy.list()).rejects.toMatchObject({ code: 'ERR_KEYS_PROVIDER_CONFIG' })
      pin = PIN
      expect(await clumsy.list()).toEqual([])
      await clumsy.close?.()
    })
  })

  it('lets the app end without being closed', async () => {
    await makeToken()
    const script = `
      import { openPkcs11Provider } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)}
      import { systemClock } from ${JSON.stringify(new URL('../../kernel/index.ts', import.meta.url).href)}
      const provider = await openPkcs11Provider({ module: ${JSON.stringify(MODULE)}, token: ${JSON.stringify(TOKEN)}, pin: async () => ${JSON.stringify(PIN)}, clock: systemClock })
      console.log(await provider.list())`
    const run = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect({ status: run.status, stdout: run.stdout.trim() }).toEqual({ status: 0, stdout: '[]' })
  })
})

describe('opening the PKCS#11 provider', () => {
  it('says which module cannot be loaded', async () => {
    const opening = openPkcs11Provider({
      module: '/nowhere/module.so',
      token: TOKEN,
      pin: async () => PIN,
      clock: systemClock,
    })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_KEYS_PROVIDER_CONFIG',
      message: expect.stringContaining('/nowhere/module.so') as string,
    })
  })
})
