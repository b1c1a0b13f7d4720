import { describe, expect, test } from 'vitest'
import type { SuretyConfig } from '../declare/index.ts'
import { renderMarkup } from '../ui/index.ts'
import type { Markup } from '../ui/index.ts'
import { dataView } from './data-view.ts'
import { buildHistory } from './history.ts'
import { historyView } from './history-view.ts'
import { buildPageModel } from './model.ts'
import { parseSecurityPage } from './parse-security-page.ts'
import { securityView } from './security-view.ts'
import { claim, SampleLog } from './testing/sample-log.ts'

const ATTACKS = [
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '</title></style></script><svg onload=alert(1)>',
  '{{7*7}}${7*7}<%= 7 %>&lt;script&gt;',
]

/** What a browser would make of a page: every tag with its attributes, in order. */
const tagsOf = (text: string): string[] => text.match(/<[a-z!/][^>]*>/gi) ?? []
/** Tags without the values of their attributes: words from outside may change values only. */
const skeleton = (text: string): string[] => tagsOf(text).map((tag) => tag.replace(/"[^"]*"/g, '""'))

function render(word: string): Record<string, Markup> {
  const site = {
    name: word,
    origin: 'codetime.example',
    url: 'https://codetime.example',
    vkey: `${word}+1+k`,
  }
  const frame = { site, nonce: 'n0nce', hasSecurityTxt: true }
  const log = new SampleLog()
    .declare(claim('a.b', word, { cannotProve: [word], params: { within: word } }))
    .probe('a.b', 'broken', word)
    .append({
      kind: 'promise.changed',
      promise: claim('a.b', `${word} more`),
      previous: 'a.b',
      direction: 'weakened',
    })
    .probe('a.b', 'undecided', word)
  const field = { kind: 'text', description: word, clear: word, index: null, optional: false, max: 9 }
  const resource = {
    ...{
      name: word,
      purpose: word,
      basis: 'contract',
      retention: 'account',
      undeclared: 'drop',
      seal: 'subject',
    },
    ...{ subject: null, tenant: word, fields: { [word]: { ...field, about: word } } },
    subjects: [
      { column: word, onErase: 'delete' },
      { column: `${word} too`, onErase: 'blank' },
    ],
    unique: [[word]],
  }
  // Not through `resource()`, which refuses such names: the page must not lean on that.
  const config = { resources: { [word]: resource }, roles: { [word]: [] } } as unknown as SuretyConfig
  const model = buildPageModel(parseSecurityPage('# Security\n\nText.'), log.snapshot(), log.clock.now())
  return {
    security: securityView({
      ...frame,
      model,
      disclosure: { contact: [`mailto:${word.replace(/\s/g, '')}`] },
      island: null,
    }),
    history: historyView({ ...frame, histories: buildHistory(log.snapshot()), now: log.clock.now() }),
    data: dataView({
      ...{ ...frame, config, ownTables: [{ schema: word, name: word, holds: word }] },
      requestInputs: [{ name: word, why: word, kept: word }],
      dropped: [{ resource: word, count: 3, since: 0 }],
    }),
  }
}

describe('words of a hostile page, configuration or probe', () => {
  const harmless = render('harmless')
  test.each(ATTACKS)('%s adds no tag and no attribute to any page', (attack) => {
    for (const [name, markup] of Object.entries(render(attack))) {
      const text = renderMarkup(markup)
      expect(skeleton(text).length, name).toBeGreaterThan(30)
      expect(skeleton(text), name).toEqual(skeleton(renderMarkup(harmless[name]!)))
    }
  })
})
