import { join } from 'node:path'
import { defineSurety, staffResources } from 'surety'
import { createCanary } from './src/canary.ts'
import { resources } from './src/resources.ts'
import { staff } from './src/staff.ts'

/** The configuration of this system; `dataDir` is its own folder, where the demo's secrets lie. */
export function createConfig(dataDir: string) {
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
      ],
      administrator: [
        'heartbeats:read:tenant',
        'heartbeats:write:own',
        'heartbeats:delete:own',
        'people:read:tenant',
        'teams:read:tenant',
      ],
    },
    backups: { every: '6h', keep: '24d' },
    keys: { liveEpoch: '6h', backupEpoch: '1d' },
    staff,
    disclosure: {
      contact: ['mailto:security@codetime.example'],
      languages: ['en'],
    },
    requestInputs: [
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
        name: 'coding-metrics-session cookie',
        why: 'keep the person signed in',
        kept: 'not stored; compared with the hash of the token',
      },
    ],
    canary: createCanary(dataDir),
  })
}

export default createConfig(join(process.env['SURETY_DATA'] || '.surety', 'coding-metrics'))
