import { join } from 'node:path'
import { clockFromEnvironment, defineSurety, staffResources, type MailPort, type RequestInput } from 'surety'
import { createCanary } from './src/canary.ts'
import { openDemoMail } from './src/demo-mail.ts'
import { demoProvider } from './src/identity-provider.ts'
import { resources } from './src/resources.ts'
import { staff } from './src/staff.ts'

/** Who has a key sees that it is there, and nothing that it is recognised by. */
const OWN_KEYS = ['api_keys:read:own(personId)', 'api_keys:write:own', 'api_keys:delete:own'] as const

/** What a request says besides its body. */
const REQUEST_INPUTS: readonly RequestInput[] = [
  {
    name: 'Authorization header, or api_key in the address',
    why: 'recognise whose editor it is',
    kept: 'not stored; compared with the hash of the key',
  },
  { name: 'X-Machine-Name header', why: 'tell computers apart', kept: 'stored sealed as machine' },
  { name: 'TimeZone header', why: 'know where a day begins', kept: 'stored sealed as timeZone' },
  {
    name: 'User-Agent header',
    why: 'name the editor and the system, where the heartbeat does not',
    kept: 'stored sealed as userAgent',
  },
  {
    name: 'codetime-session cookie',
    why: 'keep the person signed in',
    kept: 'not stored; compared with the hash of the token',
  },
  {
    name: 'codetime-sign-in cookie',
    why: 'join the two ends of a sign-in through an identity provider',
    kept: 'not stored; sealed, and worthless after ten minutes',
  },
  {
    name: 'User-Agent header at sign-in',
    why: 'let the person recognise their sessions',
    kept: 'stored sealed with the session',
  },
  {
    name: 'network address, from X-Forwarded-For where a proxy of ours wrote it',
    why: 'stop guessing, let the person recognise their sessions, and keep to the networks that a team allows',
    kept: 'stored sealed with the session; counted under a keyed hash where a sign-in fails',
  },
]

/**
 * The configuration of this system; `dataDir` is its own folder, where the demo's secrets lie.
 * @param mail takes letters over: the demo's, or your mail server (`smtpMail` of `surety/smtp`); null sends none
 */
export function createConfig(dataDir: string, mail: MailPort | null) {
  return defineSurety({
    name: 'Codetime',
    origin: 'codetime.example',
    page: new URL('./security.md', import.meta.url),
    resources: { ...resources, ...staffResources },
    roles: {
      member: [
        'heartbeats:read:own',
        'heartbeats:write:own',
        'heartbeats:delete:own',
        'people:read:own',
        'teams:read:tenant',
        ...OWN_KEYS,
      ],
      administrator: [
        'heartbeats:read:tenant',
        'heartbeats:write:own',
        'heartbeats:delete:own',
        'people:read:tenant',
        'teams:read:tenant',
        ...OWN_KEYS,
      ],
    },
    backups: { every: '6h', keep: '24d' },
    keys: { liveEpoch: '6h', backupEpoch: '1d' },
    staff,
    // The demo answers on this machine alone, so whoever is here may stand for a proxy: guesses from many
    // addresses can be tried. A real system names its own proxies and nobody else.
    proxies: { addresses: ['127.0.0.0/8', '::1/128'] },
    disclosure: {
      contact: ['mailto:security@codetime.example'],
      languages: ['en'],
    },
    requestInputs: REQUEST_INPUTS,
    signIn: { providers: [demoProvider(dataDir)] },
    ...(mail && { mail }),
    canary: createCanary(dataDir),
  })
}

const dataDir = join(process.env['SURETY_DATA'] || '.surety', 'coding-metrics')

export default createConfig(dataDir, openDemoMail(dataDir, clockFromEnvironment())?.port ?? null)
