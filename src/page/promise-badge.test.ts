import { describe, expect, it } from 'vitest'
import { badgePath, promiseBadge } from './promise-badge.ts'
import { claim, SampleLog } from './testing/sample-log.ts'
import { textsOf, xmlProblem } from './testing/well-formed.ts'

const badgeOf = (log: SampleLog, key = 'a.b'): string => promiseBadge(log.snapshot(), key, log.clock.now())!
const shown = (svg: string): string[] => textsOf(svg, 'text')
const DAY = 86_400_000

describe('the badge of a promise', () => {
  it('says how the promise stands and since when', () => {
    const log = new SampleLog().declare(claim('a.b', 'We keep it')).probe('a.b', 'kept')
    expect(shown(badgeOf(log))).toEqual(['a.b', 'Kept since 22 Nov 2026'])
    log.wait(DAY)
    expect(shown(badgeOf(log))).toEqual(['a.b', 'Unproven since 22 Nov 2026'])
    log.probe('a.b', 'broken')
    expect(shown(badgeOf(log))).toEqual(['a.b', 'Broken since 23 Nov 2026'])
    log.append({ kind: 'promise.withdrawn', key: 'a.b' })
    expect(shown(badgeOf(log))).toEqual(['a.b', 'Withdrawn since 23 Nov 2026'])
  })

  it('counts the time of a status over stretches that differ in their reason only', () => {
    const log = new SampleLog().declare(claim('a.b', 'We keep it')).wait(DAY).probe('a.b', 'undecided')
    expect(log.snapshot().standings[0]!.history).toHaveLength(2)
    expect(shown(badgeOf(log))[1]).toBe('Unproven since 22 Nov 2026')
  })

  it('carries the checkpoint it was made from, for people and for programs', () => {
    const log = new SampleLog().declare(claim('a.b', 'We keep it')).probe('a.b', 'kept')
    const svg = badgeOf(log)
    expect(textsOf(svg, 'title')).toEqual([
      'We keep it — Kept since 22 Nov 2026, 00:00 UTC. Made from the checkpoint of 3 entries with root cm9vdA==.',
    ])
    expect(JSON.parse(textsOf(svg, 'metadata')[0]!)).toEqual({
      ...{ schema: 1, key: 'a.b', status: 'kept', since: '2026-11-22T00:00:00.000Z' },
      ...{ generatedAt: '2026-11-22T00:00:00.000Z', checkpoint: 'sample/evidence\n3\n', size: 3 },
      rootHash: 'cm9vdA==',
    })
  })

  it('says so where the log has no checkpoint yet', () => {
    const log = new SampleLog().declare(claim('a.b', 'We keep it'))
    const bare = { ...log.snapshot(), checkpoint: null, size: 0, rootHash: null }
    expect(promiseBadge(bare, 'a.b', log.clock.now())).toContain('has no checkpoint yet')
  })

  it('is none for a promise that the log never had, and for an empty log', () => {
    const log = new SampleLog()
    expect(promiseBadge(log.snapshot(), 'a.b', log.clock.now())).toBeNull()
    log.declare(claim('a.b', 'We keep it'))
    for (const key of ['a.c', 'a', 'a.b?x=1', '__proto__', ''])
      expect(promiseBadge(log.snapshot(), key, log.clock.now())).toBeNull()
  })

  it.each([
    '"><script>alert(1)</script>',
    "]]></title></svg><svg onload='x'>&amp;&nbsp;",
    'a\u0000b\u0008\u001b\ufffe\ud800c',
    'هذه الجملة',
    '👩🏽‍💻🔐',
    'W'.repeat(5_000),
  ])('shows %j as text and stays one well-formed picture', (word) => {
    const log = new SampleLog().declare(claim('a.b', word, { params: { within: word } }))
    const svg = badgeOf(log)
    expect(xmlProblem(svg)).toBeNull()
    expect([...svg.matchAll(/<([a-z]+)/g)].map((match) => match[1])).toEqual(
      [...badgeOf(new SampleLog().declare(claim('a.b', 'plain'))).matchAll(/<([a-z]+)/g)].map((m) => m[1]),
    )
    expect(Array.from(shown(svg)[0]!).length).toBeLessThanOrEqual(44)
    expect(Number(/width="([\d.]+)"/.exec(svg)![1])).toBeLessThan(760)
  })

  it('needs no style sheet, no script and nothing from another place', () => {
    const svg = badgeOf(new SampleLog().declare(claim('a.b', 'We keep it')))
    expect(svg).not.toMatch(/<style|<script|<image|<use|<a\b|\s(style|href|class|on\w+)=/)
    expect(svg.match(/https?:\/\/[^"]*/g)).toEqual(['http://www.w3.org/2000/svg'])
  })

  it('has a path that holds any key', () => {
    expect(badgePath('a.b?c=d%2Fe')).toBe('/security/badges/a.b%3Fc%3Dd%252Fe.svg')
  })
})
