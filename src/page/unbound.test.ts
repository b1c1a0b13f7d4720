import { describe, expect, it } from 'vitest'
import { parseSecurityPage } from './parse-security-page.ts'
import { findUnbound } from './unbound.ts'

const unbound = (source: string): [string, number][] =>
  findUnbound(parseSecurityPage(source)).map(({ sentence, line }) => [sentence, line])

describe('unbound sentences', () => {
  it('are those without a promise, with their lines', () => {
    expect(
      unbound(
        '# T\n\nWe care. [We encrypt](promise:a.b) all of it. We never sleep,\nand more. Yes!\n\n- [x](promise:c.d) here\n- not here\n',
      ),
    ).toEqual([
      ['We care.', 3],
      ['We never sleep, and more.', 3],
      ['Yes!', 4],
      ['not here', 7],
    ])
  })

  it('leave out headings, code, rules and lists of nothing but links', () => {
    expect(
      unbound(
        '## We are great\n\n    code here\n\n---\n\n- [Policy](https://x.example)\n- [Data](/security/data), [History](/h)\n',
      ),
    ).toEqual([])
  })

  it('do not hide behind a link to another page', () => {
    expect(unbound('We delete at once, see [here](https://x.example).')).toEqual([
      ['We delete at once, see here.', 1],
    ])
  })

  it('are found in quotes and in table rows, which count as one statement', () => {
    expect(
      unbound('> Quoted claim.\n\n| a | b |\n|---|---|\n| AES | 256 |\n| [x](promise:a.b) | y |\n'),
    ).toEqual([
      ['Quoted claim.', 1],
      ['AES · 256', 5],
    ])
  })

  it('are covered where a promise spans two of them', () => {
    expect(unbound('[We do this. And that](promise:a.b) too. Not this.')).toEqual([['Not this.', 1]])
  })

  it('are found after a hard line break', () => {
    expect(unbound('[Bound](promise:a.b).  \nFree.')).toEqual([['Free.', 2]])
  })
})
