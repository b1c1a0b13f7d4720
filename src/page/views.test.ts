import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { field, resource } from '../declare/index.ts'
import { renderMarkup } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'
import type { WitnessView } from './evidence.ts'
import { dataView } from './data-view.ts'
import { errorView } from './error-view.ts'
import { PageError } from './errors.ts'
import { buildHistory } from './history.ts'
import { historyView } from './history-view.ts'
import { buildPageModel } from './model.ts'
import { parseSecurityPage } from './parse-security-page.ts'
import { securityView } from './security-view.ts'
import { subprocessorsView } from './subprocessors-view.ts'
import { claim, SampleLog } from './testing/sample-log.ts'

const ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
const LONG = 'x'.repeat(300)
const site = {
  name: 'Codetime',
  origin: 'codetime.example',
  url: 'https://codetime.example',
  vkey: 'codetime.example/evidence+1+k',
}
const frame = { site, nonce: 'n0nce', hasSecurityTxt: true }
const disclosure = {
  contact: ['mailto:security@codetime.example'],
  policy: 'https://codetime.example/policy',
}
const island = { module: '/.surety/modules/x.ts' }

function securityText(log: SampleLog, source: string, shown = frame): string {
  const model = buildPageModel(parseSecurityPage(source), log.snapshot(), log.clock.now())
  return renderMarkup(securityView({ ...shown, model, disclosure, island }))
}

/** Every tag of a page; what came in as text has no `<` left. */
const tagsOf = (text: string): string[] => text.match(/<[^>]*>/g) ?? []

function expectHarmless(text: string): void {
  const tags = tagsOf(text)
  expect(tags.length).toBeGreaterThan(20)
  for (const tag of tags) {
    expect(tag).toMatch(/^<(!doctype|\/?[a-z][a-z0-9]*)(\s|>)/)
    expect(tag).not.toMatch(/^<(img|iframe|object|embed|base|form|style)\b/)
    expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/\s(on[a-z]+|style|srcdoc)\s*=/)
    if (tag.startsWith('<script')) expect(tag).toContain('nonce="n0nce"')
    expect(/\shref="([^"]*)"/.exec(tag)?.[1] ?? '/').toMatch(/^(https?:|mailto:|tel:|data:,|\/(?!\/)|#)/)
  }
}

describe('/security', () => {
  const log = new SampleLog()
    .declare(claim('a.kept', 'Kept one'))
    .declare(claim('a.broken', 'Broken one', { checkedBy: 'outside' }))
    .declare(claim('a.never', 'Never one', { probe: null, cadenceSeconds: null, evidence: 'attested' }))
    .probe('a.kept', 'kept', 'nothing was found')
    .probe('a.broken', 'broken', 'one row leaked')
    .wait(12 * 60_000)
  const text = securityText(
    log,
    '# Security\n\n[Kept one](promise:a.kept) and [broken one](promise:a.broken).\n\n- [Never one](promise:a.never)\n- [New one](promise:a.new)\n',
  )

  it('marks each sentence in place with its status, in words too', () => {
    expect(text).toMatch(/class="promise is-good">.*?Kept one<span class="hidden-text"> \(kept\)/s)
    expect(text).toMatch(/class="promise is-bad">.*?broken one<span class="hidden-text"> \(broken\)/s)
    expect(text).toMatch(/class="promise is-unsure">.*?Never one<span class="hidden-text"> \(unproven\)/s)
  })

  it('shows what was observed, how old it is, what it cannot prove, and where the proof is', () => {
    for (const part of [
      'nothing was found',
      'Rows checked',
      '1,204',
      '12 minutes ago',
      'What this cannot prove',
      '/security/proofs/4',
      '/security/entries/4',
      '/security/history#p-a.kept',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('leads to what is broken, and shows it unfolded', () => {
    expect(text).toContain('<a href="#p-a.broken">1 broken</a>')
    expect(text).toMatch(/id="p-a\.broken"\s+open>/)
    expect(text).not.toMatch(/id="p-a\.kept"\s+open>/)
  })

  it('never mixes the kinds of evidence', () => {
    expect(text).toContain('Measured from outside')
    expect(text).toContain('Nobody has attested it yet')
    expect(text).toContain('Not in the log yet')
  })

  it.each([
    ['measured', 'Nothing measures it yet'],
    ['attested', 'Nobody has attested it yet'],
    ['inherited', 'No provider’s word for it yet'],
  ] as const)('claims no %s evidence while nothing stands behind a promise', (evidence, words) => {
    const bare = new SampleLog().declare(
      claim('a.bare', 'Bare one', { probe: null, cadenceSeconds: null, evidence }),
    )
    const shown = securityText(bare, '[Bare one](promise:a.bare)')
    expect(shown).toContain(words)
    expect(shown).toContain('None yet.')
    expect(shown).toContain('Read it as an intention')
    expect(shown).not.toMatch(/>\s*(Measured|Attested|Inherited)\b/)
  })

  it('names the site once in the title of the window', () => {
    const title = (source: string) => /<title>(.*?)<\/title>/.exec(securityText(log, source))?.[1]
    expect(title('# Security at Codetime')).toBe('Security at Codetime')
    expect(title('# Security')).toBe('Security · Codetime')
  })

  it('counts, says that nobody witnesses the log, and how to check independently', () => {
    expect(text).toContain('1 of 4 kept')
    expect(text).toContain('Unwitnessed: split views possible')
    expect(text).toContain('npx surety verify https://codetime.example --vkey codetime.example/evidence+1+k')
  })

  const witness = {
    name: 'w.example',
    vkey: 'w.example+1+k',
    cosignedAt: null,
    size: null,
    sawAnother: false,
  }
  const wordsOf = (...witnesses: readonly WitnessView[]): string => {
    const model = buildPageModel(parseSecurityPage(''), log.snapshot(witnesses), log.clock.now())
    return renderMarkup(securityView({ ...frame, model, disclosure, island })).replace(/<[^>]*>/g, '')
  }

  it('names who has seen the same log, and asks for their cosignature in the check', () => {
    const shown = wordsOf({ ...witness, size: 7, cosignedAt: log.clock.now() })
    expect(shown).toMatch(/w\.example has seen this same log, /)
    expect(shown).not.toContain('Unwitnessed')
    expect(shown).toContain('--vkey codetime.example/evidence+1+k --witness w.example+1+k')
  })

  it('says how far a witness is behind, and never that it has seen all', () => {
    const shown = wordsOf({ ...witness, size: 5 })
    expect(shown).toContain('has seen the first 5 entries of this log, and not yet the newest 2')
    expect(shown).not.toContain('this same log')
  })

  it('stays unwitnessed while a witness is asked and has not answered', () => {
    expect(wordsOf(witness)).toMatch(/Unwitnessed: split views possible.*no answer yet: w\.example/)
    expect(wordsOf({ ...witness, size: 5 }, { ...witness, name: 'v.example' })).toContain(
      'v.example has not confirmed this log yet',
    )
  })

  it('says loudly that a witness has seen another log', () => {
    const shown = wordsOf({ ...witness, size: 5, sawAnother: true })
    expect(shown).toContain('w.example has seen another log than this one.')
    expect(shown).not.toContain('has seen the first')
  })

  it('hides the button until its script runs', () => {
    expect(text).toMatch(/<div\s+id="verify-box"[^>]* hidden>/)
  })

  it('says when a promise in force is missing on the page', () => {
    expect(securityText(log, 'nothing')).toContain('Promised in the log, not on this page')
    expect(text).not.toContain('Promised in the log, not on this page')
  })

  it('renders without a promise, without a log and without a title', () => {
    const empty = securityText(new SampleLog(), '')
    expect(empty).toContain('makes no promise')
    expect(empty).toContain('Security at Codetime')
  })

  it.each([
    ['long', LONG],
    ['RTL', 'هذه الجملة بالعربية'],
    ['emoji', '👩🏽‍💻🔐'],
    ['attack', ATTACK],
  ])('shows %s text in every place as text', (_, words) => {
    const escaped = words.replace(/[[\]<>()"]/g, (char) => `&#${char.charCodeAt(0)};`)
    const hostile = new SampleLog()
      .declare(claim('a.b', words, { cannotProve: [words] }))
      .probe('a.b', 'kept', words)
    const source = `# ${escaped}\n\n[${escaped}](promise:a.b)\n\n| ${escaped} |\n|---|\n| ${escaped} |\n\n\`${words.replaceAll('`', '')}\``
    const shown = securityText(hostile, source, { ...frame, site: { ...site, name: words } })
    expectHarmless(shown)
    expect(shown).toContain(words.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'))
  })

  it('lets no Markdown become a live tag', () => {
    const piece = fc.constantFrom(
      ...[
        '<script>alert(1)</script>',
        '<img src=x onerror=y>',
        '<svg onload=x>',
        '</details>',
        '<a href="javascript:x">',
        '<!--',
        '-->',
      ],
      ...[
        '[x](https://e.example "onmouseover=alert(1)")',
        '<https://e.example/"onclick=x>',
        '[x](/p?"><script>)',
        '`<b>`',
        '&lt;script&gt;',
      ],
      ...[
        '\n\n',
        '> ',
        '- ',
        '# ',
        '| a | b |\n|---|---|\n',
        '**',
        '_',
        '[',
        '](promise:a.b)',
        '\\',
        '```\n',
      ],
    )
    let rendered = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          expectHarmless(securityText(log, pieces.join('')))
          rendered += 1
        } catch (error) {
          if (!(error instanceof PageError)) throw error
        }
      }),
      { numRuns: 150 },
    )
    expect(rendered).toBeGreaterThan(50)
  }, 120_000)
})

describe('/security/data', () => {
  const heartbeats = resource({
    name: 'heartbeats',
    subject: 'personId',
    tenant: 'teamId',
    purpose: 'show people their time',
    basis: 'contract',
    retention: '90d',
    undeclared: 'drop',
    fields: {
      personId: field.id(),
      teamId: field.id(),
      entity: field.text('path of the open file', { max: 4096 }),
      project: field.text('project name', { max: 255, index: 'blind' }),
      language: field.text('programming language', { max: 64, clear: 'aggregated in SQL' }),
    },
  })
  const options = {
    ...frame,
    config: {
      resources: { heartbeats },
      roles: {
        member: ['heartbeats:read:own'],
        writer: ['heartbeats:write:any'],
        admin: ['heartbeats:*:tenant'],
      },
    } as const,
    requestInputs: [{ name: 'User-Agent', why: 'names the editor', kept: 'not stored' }],
    dropped: [{ resource: 'heartbeats', count: 1432, since: Date.UTC(2026, 10, 13) }],
    ownTables: [{ schema: 'surety', name: 'log_queue', holds: 'entries waiting to be published' }],
  }
  const text = renderMarkup(dataView(options))

  it('has a line for every field, the implicit ones included', () => {
    for (const name of ['id', 'createdAt', ...Object.keys(heartbeats.fields)])
      expect(text).toContain(`<code id="line-heartbeats.${name}">${name}</code>`)
  })

  it('says of each field what it is and how it is stored, with the reason for a clear one', () => {
    expect(text).toContain('path of the open file')
    expect(text).toMatch(/Clear<\/span\s*>\s*aggregated in SQL/)
    expect(text).toMatch(/Sealed<\/span\s*>\s*encrypted under a key of the person it is about/)
    expect(text).toContain('keyed hash')
  })

  it('says of records about several people whom each field is about, and what an erasure does', () => {
    const reviews = resource({
      name: 'reviews',
      subjects: { authorId: 'delete', reviewerId: 'blank' },
      tenant: 'teamId',
      purpose: 'let people review work',
      basis: 'contract',
      retention: 'account',
      fields: {
        authorId: field.id(),
        reviewerId: field.id('who reviews', { optional: true }),
        teamId: field.id(),
        work: field.text('the work', { max: 9, about: 'authorId' }),
        mark: field.integer('the mark', { about: 'reviewerId', clear: 'averaged in SQL', optional: true }),
      },
    })
    const shown = renderMarkup(dataView({ ...options, config: { resources: { reviews }, roles: {} } }))
    expect(shown).toContain('the person it is about, <code>authorId</code>')
    expect(shown).toContain('averaged in SQL; about reviewerId')
    expect(shown).toContain('authorId: the record is deleted · reviewerId: their fields are emptied')
    expect(text).not.toContain('When a person is erased')
  })

  it('names purpose, basis, retention, readers, dropped fields and request inputs', () => {
    for (const part of [
      'show people their time',
      'Art. 6(1)(b)',
      '90 days from receipt',
      'member: their own records',
      'admin: all records of their organisation',
      '1,432 fields since 13 Nov 2026',
      'User-Agent',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('writer:')
  })

  it('lists the tables that the library keeps for itself', () => {
    expect(text).toContain('<code id="line-surety.log_queue">surety.log_queue</code>')
    expect(text).toContain('entries waiting to be published')
  })

  it('renders with nothing declared', () => {
    const empty = renderMarkup(
      dataView({ ...options, config: { resources: {}, roles: {} }, requestInputs: [], dropped: [] }),
    )
    expect(empty).toContain('Nothing is declared')
  })
})

describe('/security/history', () => {
  const text = (log: SampleLog): string =>
    renderMarkup(historyView({ ...frame, histories: buildHistory(log.snapshot()), now: log.clock.now() }))

  it('shows weakened and withdrawn promises and says so', () => {
    const log = new SampleLog()
      .declare(claim('a.b?w=1', 'One hour'))
      .append({
        kind: 'promise.changed',
        promise: claim('a.b?w=2', 'Two hours'),
        previous: 'a.b?w=1',
        direction: 'weakened',
      })
      .declare(claim('c.d', 'Gone'))
      .append({ kind: 'promise.withdrawn', key: 'c.d' })
    const page = text(log)
    expect(page).toContain('Weakened on 22 Nov 2026, 00:00 UTC')
    expect(page).toContain('href="#p-a.b?w=2"')
    expect(page).toContain('Withdrawn on 22 Nov 2026, 00:00 UTC')
    expect(page.indexOf('Two hours')).toBeLessThan(page.indexOf('Withdrawn or replaced'))
  })

  it('folds a long history and points to the rest', () => {
    const log = new SampleLog().declare(claim('a.b', 'Often broken'))
    for (let i = 0; i < 30; i++) log.wait(60_000).probe('a.b', 'kept').wait(60_000).probe('a.b', 'broken')
    const page = text(log)
    expect(page).toContain('Show 36 earlier stretches')
    expect(page).toMatch(/\d+ earlier stretches in/)
    expectHarmless(page)
  })

  it('renders empty and shows an attack as text', () => {
    expect(text(new SampleLog())).toContain('No promise is in force')
    expectHarmless(text(new SampleLog().declare(claim('a.b', ATTACK)).probe('a.b', 'broken')))
  })
})

describe('the other pages', () => {
  const pages: Record<string, () => Markup> = {
    subprocessors: () => subprocessorsView({ ...frame, site: { ...site, name: ATTACK } }),
    error: () => errorView({ ...frame, title: ATTACK, detail: ATTACK, requestId: ATTACK }),
  }

  it.each(Object.keys(pages))('%s shows an attack as text', (name) =>
    expectHarmless(renderMarkup(pages[name]!())),
  )

  it('do not take an empty register for a statement', () => {
    expect(renderMarkup(subprocessorsView(frame))).toContain('not a statement that there is none')
  })

  it('link to security.txt only where there is one', () => {
    expect(renderMarkup(subprocessorsView(frame))).toContain('security.txt')
    expect(renderMarkup(subprocessorsView({ ...frame, hasSecurityTxt: false }))).not.toContain('security.txt')
  })
})
