import { describe, expect, test } from 'vitest'
import { config as base } from '../promises/testing.ts'
import { checkPage } from './check.ts'
import { toSarif } from './sarif.ts'

const config = { ...base, disclosure: { contact: ['mailto:security@codetime.example'] } }

describe('checkPage', () => {
  test('lists sentences that no promise stands behind, with their lines', () => {
    const findings = checkPage(
      config,
      '# Security\n\nWe care.\n[We can be reached](promise:disclosure.contact).\n',
    )
    expect(findings).toEqual([
      {
        level: 'note',
        rule: 'unbound',
        line: 3,
        message: 'no promise stands behind: We care.',
        mend: expect.any(String),
      },
    ])
  })

  test('warns of a promise that nothing measures yet', () => {
    expect(checkPage(config, '[Tested twice a year](promise:sdlc.pentest).')).toMatchObject([
      { level: 'warning', rule: 'unmeasured', line: 1 },
    ])
  })

  test('says when the configuration cannot keep a promise, and what mends it', () => {
    const findings = checkPage(config, 'Hello\n\n[All of it](promise:encryption.rest?scope=all).')
    const errors = findings.filter(({ level }) => level === 'error')
    expect(errors).toMatchObject([
      { rule: 'unkeepable', line: 3, message: expect.stringContaining('people.seen') },
    ])
    expect(errors[0]!.mend).toContain('scope=personal')
  })

  test.each([
    ['an unknown promise', '[Perfect](promise:encryption.everything).', 'ERR_PAGE_PROMISE_UNKNOWN'],
    [
      'a parameter that nothing reads',
      '[Sealed](promise:encryption.rest?scop=all).',
      'ERR_PAGE_PROMISE_PARAMETER',
    ],
    [
      'one promise made twice',
      '[A](promise:disclosure.contact). [B](promise:disclosure.contact).',
      'ERR_PAGE_PROMISE_DUPLICATE',
    ],
  ])('refuses %s', (_, source, rule) => {
    expect(checkPage(config, source)).toMatchObject([{ level: 'error', rule, line: 1 }])
  })
})

describe('checkPage, on the times of an erasure', () => {
  const keys = { liveEpoch: '23h', backupEpoch: '1d' } as const
  const errors = (source: string, change: object = {}) =>
    checkPage({ ...config, ...change }, source).filter(({ level }) => level === 'error')

  test('holds the page’s own time against every symbol, and says which to change to what', () => {
    const page = 'Hello\n\n[Gone within a day](promise:erasure.production?within=24h).'
    expect(errors(page)).toEqual([])
    const [error, ...more] = errors(page, { keys })
    expect(more).toEqual([])
    expect(error).toMatchObject({
      rule: 'erasure-times',
      line: 3,
      message: expect.stringContaining(
        'p 1h + L 23h + R 30m + S 30m + W 0s + V 0s + c 1m = 1d 1h 1m, and the page allows 1d',
      ),
      mend: expect.stringContaining("set keys.liveEpoch (L, live epoch) to '21h' or less"),
    })
    expect(errors(page.replace('24h', '26h'), { keys })).toEqual([])
  })

  test('takes 24 hours and 27 days where the page says nothing', () => {
    const backups = { every: '6h', keep: '26d' } as const
    expect(errors('We care.', { keys, backups })).toMatchObject([
      { rule: 'erasure-times', line: null, message: expect.stringContaining('erasure.production') },
      { rule: 'erasure-times', line: null, message: expect.stringContaining('erasure.backups') },
    ])
    expect(errors('[Old](promise:erasure.backups?within=30d).', { backups })).toEqual([])
  })

  test('lets a page say when it is irrecoverable, beside inaccessible', () => {
    const slow = { keys: { ...keys, providerWait: '7d' } }
    const both =
      '[Closed within a day, gone within nine](promise:erasure.production?within=24h&irrecoverable=9d).'
    expect(errors(both, slow)).toEqual([])
    expect(errors(both.replace('9d', '8d'), slow)).toMatchObject([{ rule: 'erasure-times', line: 1 }])
  })

  test.each(['within=soon', 'within=24h&irrecoverable=later'])(
    'refuses a time that is none: %s',
    (params) => {
      expect(errors(`[Gone](promise:erasure.production?${params}).`)).toMatchObject([
        { rule: 'erasure-times', line: 1, mend: expect.stringContaining('24h') },
      ])
    },
  )
})

describe('toSarif', () => {
  test('writes one result per finding, at its line of the page', () => {
    const findings = checkPage(config, 'We care.\n\n[Tested](promise:sdlc.pentest).')
    const sarif = toSarif(findings, 'docs/security page.md') as {
      version: string
      runs: { tool: { driver: { rules: { id: string }[] } }; results: object[] }[]
    }
    expect(sarif.version).toBe('2.1.0')
    expect(sarif.runs[0]!.tool.driver.rules.map(({ id }) => id).toSorted()).toEqual(['unbound', 'unmeasured'])
    expect(sarif.runs[0]!.results).toHaveLength(findings.length)
    expect(sarif.runs[0]!.results[0]).toMatchObject({
      level: 'warning',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'docs/security%20page.md' },
            region: { startLine: 3 },
          },
        },
      ],
    })
  })
})
