import { describe, expect, expectTypeOf, test } from 'vitest'
import { hasCode } from '../kernel/index.ts'
import { createVerifierKey, createWitnessKey, formatVerifierKey, formatWitnessKey } from '../verify/index.ts'
import {
  defineSurety,
  field,
  formatPermission,
  parsePermission,
  resource,
  sealedFields,
  clearFields,
  blindFields,
  tenantColumn,
  type RowOf,
  type SuretyConfig,
} from './index.ts'

const heartbeats = resource({
  name: 'heartbeats',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'show the person how their coding time is spent',
  basis: 'contract',
  retention: 'account',
  undeclared: 'drop',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    entity: field.text('path of the open file', { max: 4096 }),
    project: field.text('project name', { max: 255, index: 'blind', optional: true }),
    language: field.text('programming language', { max: 64, clear: 'aggregated over time in SQL' }),
    kind: field.choice('kind of thing', ['file', 'app']),
    time: field.timestamp('when the editor reported activity', { clear: 'ranges in SQL' }),
  },
})

const GOOD = {
  name: 'things',
  subject: 'personId',
  purpose: 'to test',
  basis: 'contract',
  retention: '90d',
  fields: { personId: field.id(), note: field.text('a note', { max: 10 }) },
} as const

describe('resource', () => {
  test('derives what is sealed, clear and indexed from one declaration', () => {
    expect(sealedFields(heartbeats)).toEqual(['entity', 'project', 'kind'])
    expect(clearFields(heartbeats)).toEqual(['personId', 'teamId', 'language', 'time'])
    expect(blindFields(heartbeats)).toEqual(['project'])
    expect(tenantColumn(heartbeats)).toBe('teamId')
    expect(tenantColumn(resource(GOOD))).toBe('personId')
  })

  test('infers the row type one level deep', () => {
    type Row = RowOf<typeof heartbeats>
    expectTypeOf<Row['entity']>().toEqualTypeOf<string>()
    expectTypeOf<Row['project']>().toEqualTypeOf<string | null>()
    expectTypeOf<Row['kind']>().toEqualTypeOf<'file' | 'app'>()
    expectTypeOf<Row['time']>().toEqualTypeOf<Date>()
    expectTypeOf<Row['id']>().toEqualTypeOf<string>()
  })

  const refusals: [string, object, string][] = [
    ['a misspelt key', { ...GOOD, purpouse: 'x' }, 'purpouse'],
    ['an unfit name', { ...GOOD, name: 'Things' }, 'name'],
    ['a reserved name', { ...GOOD, name: 'pg_things' }, 'name'],
    ['no purpose', { ...GOOD, purpose: '  ' }, 'purpose'],
    ['an unknown basis', { ...GOOD, basis: 'interest' }, 'basis'],
    ['a retention without unit', { ...GOOD, retention: '90' }, 'retention'],
    ['a retention of nothing', { ...GOOD, retention: '0d' }, 'retention'],
    ['an unknown choice for undeclared', { ...GOOD, undeclared: 'ignore' }, 'undeclared'],
    ['a subject that is no field', { ...GOOD, subject: 'userId' }, 'subject'],
    ['a subject that is no id', { ...GOOD, subject: 'note' }, 'subject'],
    [
      'an optional subject',
      { ...GOOD, fields: { personId: field.id('who', { optional: true }) } },
      'subject',
    ],
    ['a tenant that is the subject', { ...GOOD, tenant: 'personId' }, 'tenant'],
    ['a seal beside a subject', { ...GOOD, seal: 'tenant' }, 'seal'],
    ['a field named id', { ...GOOD, fields: { ...GOOD.fields, id: field.id() } }, 'fields.id'],
    [
      'a field that begins with an underscore',
      { ...GOOD, fields: { ...GOOD.fields, _x: field.id() } },
      'fields._x',
    ],
    ['a field that is none', { ...GOOD, fields: { ...GOOD.fields, x: 'text' } }, 'fields.x'],
    ['no fields', { ...GOOD, subject: undefined, fields: {} }, 'fields'],
    ['schema version 0', { ...GOOD, schemaVersion: 0 }, 'schemaVersion'],
  ]
  test.each(refusals)('refuses %s, naming the key and the mend', (_, definition, key) => {
    const refused = attempt(() => resource(definition as Parameters<typeof resource>[0]))
    expect(refused).toMatchObject({
      code: 'ERR_DECLARE_RESOURCE',
      message: expect.stringContaining(`: ${key} `),
    })
    expect((refused as { mend: string }).mend).not.toBe('')
  })

  test('refuses a reason for being clear where nothing is sealed', () => {
    const fields = { name: field.text('a name', { max: 9, clear: 'no person in it' }) }
    const plain = { ...GOOD, subject: undefined, fields } as unknown as Parameters<typeof resource>[0]
    expect(attempt(() => resource(plain))).toMatchObject({ code: 'ERR_DECLARE_RESOURCE' })
  })
})

describe('field', () => {
  const refusals: [string, () => unknown][] = [
    ['no description', () => field.text('', { max: 3 })],
    ['no max', () => field.text('a note', {} as { max: number })],
    ['a max of zero', () => field.text('a note', { max: 0 })],
    ['a max past one MiB', () => field.bytes('a file', { max: 1_048_577 })],
    ['an empty reason', () => field.text('a note', { max: 3, clear: ' ' })],
    [
      'an index on a clear field',
      () => field.text('a note', { max: 3, clear: 'ranges in SQL', index: 'blind' }),
    ],
    ['an unknown index', () => field.text('a note', { max: 3, index: 'btree' as 'blind' })],
    ['a misspelt option', () => field.text('a note', { max: 3, optinal: true } as { max: number })],
    ['an empty range', () => field.integer('a count', { min: 3, max: 2 })],
    ['an unsafe bound', () => field.integer('a count', { max: 2 ** 60 })],
    ['no choices', () => field.choice('a kind', [])],
    ['a repeated choice', () => field.choice('a kind', ['a', 'a'])],
  ]
  test.each(refusals)('refuses %s at definition time', (_, define) => {
    expect(attempt(define)).toMatchObject({ code: 'ERR_DECLARE_FIELD' })
  })

  test('takes the last accepted max', () => {
    expect(field.bytes('a file', { max: 1_048_576 }).max).toBe(1_048_576)
  })
})

const LOG = formatVerifierKey(createVerifierKey('shop.example/evidence', new Uint8Array(32)))
const WITNESS = formatWitnessKey(createWitnessKey('w.example', new Uint8Array(32)))
const OTHER_WITNESS = formatWitnessKey(createWitnessKey('v.example', new Uint8Array(32)))
const witness = { url: 'https://w.example/', vkey: WITNESS }

describe('defineSurety', () => {
  const config: SuretyConfig = {
    name: 'Codetime',
    origin: 'codetime.example',
    page: './security.md',
    resources: { heartbeats },
    roles: { member: ['heartbeats:*:own'] },
  }

  test('keeps a sound configuration', () => {
    expect(defineSurety(config)).toEqual(config)
    const witnesses = [witness, { url: 'http://127.0.0.1:4100', vkey: OTHER_WITNESS }]
    expect(defineSurety({ ...config, witnesses })).toEqual({ ...config, witnesses })
  })

  const refusals: [string, Partial<SuretyConfig> | object, string][] = [
    ['an origin with a scheme', { origin: 'https://codetime.example' }, 'origin'],
    ['an origin with a port', { origin: 'codetime.example:443' }, 'origin'],
    ['a resource under another name', { resources: { beats: heartbeats } }, 'resources.beats'],
    ['a role on an unknown resource', { roles: { member: ['builds:read:own'] } }, 'roles.member'],
    ['a role on an unknown field', { roles: { member: ['heartbeats:read:own(nothing)'] } }, 'roles.member'],
    [
      'a role on the constructor',
      { roles: { member: ['heartbeats:read:own(constructor)'] } },
      'roles.member',
    ],
    ['an epoch of no length', { keys: { liveEpoch: '0h', backupEpoch: '1d' } }, 'keys.liveEpoch'],
    ['a misspelt key', { keys: { liveEpoch: '6h', backupEpoch: '1d', rewarp: '1h' } }, 'keys.rewarp'],
    [
      'a cooling-off that is no duration',
      { erasure: { deleteKeyWithin: 'soon' } },
      'erasure.deleteKeyWithin',
    ],
    ['a duration without unit', { backups: { every: '6', keep: '24d' } }, 'backups.every'],
    [
      'a contact without scheme',
      { disclosure: { contact: ['security@codetime.example'] } },
      'disclosure.contact',
    ],
    ['an unknown key', { backup: {} }, 'backup'],
    [
      'a witness over plain http',
      { witnesses: [{ url: 'http://w.example/', vkey: WITNESS }] },
      'witnesses[0].url',
    ],
    [
      'a witness with the key of a log',
      { witnesses: [{ url: 'https://w.example/', vkey: LOG }] },
      'witnesses[0].vkey',
    ],
    ['a witness without a key', { witnesses: [{ url: 'https://w.example/' }] }, 'witnesses[0].vkey'],
    ['a witness listed twice', { witnesses: [witness, witness] }, 'witnesses[1].vkey'],
    [
      'more witnesses than a note holds',
      { witnesses: Array.from({ length: 16 }, () => witness) },
      'witnesses',
    ],
  ]
  test.each(refusals)('refuses %s', (_, change, key) => {
    const refused = attempt(() => defineSurety({ ...config, ...change } as SuretyConfig))
    expect(refused).toMatchObject({
      code: 'ERR_DECLARE_CONFIG',
      message: expect.stringContaining(`: ${key} `),
    })
  })

  test('refuses a scope that the resource cannot have', () => {
    const plain = resource({
      name: 'plans',
      purpose: 'prices',
      basis: 'contract',
      retention: '1y',
      fields: { title: field.text('a title', { max: 9 }) },
    })
    const refused = attempt(() =>
      defineSurety({ ...config, resources: { plans: plain }, roles: { member: ['plans:read:own'] } }),
    )
    expect(refused).toMatchObject({ message: expect.stringContaining('has no subject') })
  })
})

describe('parsePermission', () => {
  test('reads the three parts, and * as every action', () => {
    expect(parsePermission('people:*:tenant')).toEqual({
      resource: 'people',
      actions: ['read', 'write', 'delete'],
      scope: 'tenant',
      columns: null,
    })
    expect(parsePermission('people:read:own').actions).toEqual(['read'])
  })

  test('reads the fields that it is limited to, and writes them out again', () => {
    const permission = parsePermission('people:read:tenant(email, role)')
    expect(permission.columns).toEqual(['email', 'role'])
    expect(formatPermission(permission)).toEqual(['people:read:tenant(email,role)'])
    expect(formatPermission(parsePermission('people:*:own'))).toEqual([
      'people:read:own',
      'people:write:own',
      'people:delete:own',
    ])
  })

  test.each([
    '',
    'people',
    'people:read',
    'people:look:own',
    'people:read:mine',
    ':read:own',
    'people:read:own:x',
    'people:read:own()',
    'people:read:own(email',
    'people:read:own(email,,role)',
    'people:read:own(email,email)',
    'people:read:own(email)(role)',
    'people:delete:own(email)',
    'people:*:own(email)',
  ])('refuses %j', (text) => {
    expect(
      hasCode(
        attempt(() => parsePermission(text)),
        'ERR_DECLARE_PERMISSION',
      ),
    ).toBe(true)
  })
})

function attempt(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
