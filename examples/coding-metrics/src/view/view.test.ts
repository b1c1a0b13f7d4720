import { renderMarkup } from 'surety/ui'
import { describe, expect, test } from 'vitest'
import { seededHeartbeats } from '../demo-seed.ts'
import { namedRange } from '../metrics/range.ts'
import type { Beat } from '../metrics/spans.ts'
import type { Person } from '../people.ts'
import { dashboardPage } from './dashboard.ts'
import { connectPage } from './connect.ts'
import { failurePage, welcomePage } from './plain-pages.ts'
import { teamPage } from './team.ts'

const NOW = Date.parse('2026-11-22T16:40:00Z')
const RANGE = namedRange('last_7_days', NOW, 'UTC')!
const ADA: Person = {
  id: '11111111-1111-4111-8111-111111111111',
  teamId: '22222222-2222-4222-8222-222222222222',
  displayName: 'Ada',
  principal: { kind: 'anonymous', id: '', tenant: null, roles: [] },
}
const view = (beats: readonly Beat[], person = ADA) =>
  renderMarkup(dashboardPage({ nonce: 'n0nce', person, days: 7, range: RANGE, today: RANGE.last, beats }))
const seeded = async () => (await seededHeartbeats(NOW)).map(({ heartbeat }) => heartbeat)

describe('the dashboard', () => {
  test('shows the time per day, project, language and file as charts with their numbers in text', async () => {
    const page = view(await seeded())
    for (const text of ['wakapi', 'acme-payments', 'Go', 'TypeScript', 'Debugging', 'VS Code', 'ledger.ts']) {
      expect(page).toContain(text)
    }
    expect(page).toMatch(/<strong>\d+ hrs \d+ mins<\/strong>/)
    expect(page).toContain('Time per day and project')
    expect(page.match(/<svg/g)!.length).toBeGreaterThan(5)
  })

  test('shortens a long name to the eye and keeps it whole in a tooltip', async () => {
    const project = 'p'.repeat(255)
    const [sample] = await seeded()
    const entity = `/${'deep/'.repeat(200)}file.ts`
    const page = view(
      [60, 55].map((minutes): Beat => ({
        ...sample!,
        time: new Date(NOW - minutes * 60_000),
        project,
        entity,
      })),
    )
    expect(page).toContain(`class="bar-label" title="${project}"`)
    expect(page).toContain('<span class="file" title="file.ts"')
    expect(page).toMatch(/<span class="file path" title="\/deep\/deep/)
  })

  test('says what to do while nothing has arrived', () => {
    const page = view([])
    expect(page).toContain('Nothing has arrived yet')
    expect(page).toContain('href="/connect"')
    expect(page).not.toContain('Time per project')
  })

  test('explains why one heartbeat is no time', async () => {
    expect(view((await seeded()).slice(0, 1))).toContain('One heartbeat is not time yet')
  })

  test('shows names that look like HTML as text', async () => {
    const attack = '<img src=x onerror=alert(1)>"\'</script><script>alert(1)</script>'
    const beats = (await seeded()).map((beat) => {
      return { ...beat, project: attack, language: attack, entity: `/x/${attack}`, branch: attack }
    })
    const page = view(beats, { ...ADA, displayName: attack })
    expect(page).toContain('&lt;img')
    expect(page).not.toMatch(/<img|<script>alert|onerror=alert\(1\)>"/)
  })

  test('sums what does not fit into the chart under one name', async () => {
    const beats = (await seeded()).map((beat, i) => ({ ...beat, project: `project ${i % 9}` }))
    const page = view(beats)
    expect(page).toContain('Other projects')
    expect(page).toContain('2 more')
  })
})

test('runs under a policy without inline style or script', async () => {
  const pages = [
    view(await seeded()),
    renderMarkup(welcomePage('n', true)),
    renderMarkup(failurePage('n', { title: 'No', text: 'Nothing' })),
    renderMarkup(connectPage({ nonce: 'n', visitor: null, apiUrl: 'http://localhost/api/v1' })),
    renderMarkup(
      connectPage({
        nonce: 'n',
        apiUrl: 'http://localhost/api/v1',
        visitor: { person: ADA, form: { form: 't' }, keys: [{ id: ADA.id, createdAt: new Date(NOW) }] },
        made: 'waka_key',
      }),
    ),
  ]
  for (const page of pages) {
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*nonce=)/)
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
    expect(page).toContain('<html lang="en">')
  }
})

describe('the team page', () => {
  test('never counts the gap between two people as anybody’s time', () => {
    const minute = (n: number): Beat => ({
      time: new Date(NOW - n * 60_000),
      entity: '/a',
      project: 'p',
      branch: null,
      language: null,
      category: null,
      machine: null,
      userAgent: null,
      dependencies: null,
    })
    const members = [
      { personId: 'a', displayName: 'Ada' },
      { personId: 'g', displayName: 'Grace' },
    ]
    const beats = new Map([
      ['a', [minute(30), minute(20)]],
      ['g', [minute(25), minute(24)]],
    ])
    const page = renderMarkup(
      teamPage({
        nonce: 'n',
        person: ADA,
        days: 7,
        range: RANGE,
        members,
        beats,
      }),
    )
    expect(page).toContain('p (10 mins)')
    expect(page).toContain('p (1 min)')
  })

  test('tells somebody that they see themselves alone', () => {
    const page = (members: readonly { personId: string; displayName: string }[]) =>
      renderMarkup(teamPage({ nonce: 'n', person: ADA, days: 7, range: RANGE, members, beats: new Map() }))
    const self = { personId: ADA.id, displayName: 'Ada' }
    expect(page([self])).toContain('You see yourself alone')
    expect(page([self, { personId: 'g', displayName: 'Grace' }])).not.toContain('You see yourself alone')
  })
})
