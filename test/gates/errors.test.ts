import { describe, expect, it } from 'vitest'
import { codesOf, errors, renderPage } from '../../scripts/gates/errors.ts'
import { readSource } from '../../scripts/gates/source-tree.ts'
import { findingsOf, plantTree } from './planted-tree.ts'

const TABLE = `const WAIT = 'wait ' + 'a while'
export const LogError = defineErrors('LogError', {
  ERR_LOG_FULL: 'free a | disk',
  ERR_LOG_BUSY: WAIT,
})
`
const USES = "throw new LogError('ERR_LOG_FULL', '')\nthrow new LogError('ERR_LOG_BUSY', '')\n"

function pageOf(files: Record<string, string>): string {
  const root = plantTree(files)
  return renderPage(Object.keys(files).flatMap((file) => codesOf(readSource(root, file))))
}

function good(): Record<string, string> {
  const sources = { 'src/log/errors.ts': TABLE, 'src/log/log.ts': USES }
  return { ...sources, 'docs/errors.md': pageOf(sources) }
}

describe('the gate of the error table', () => {
  it('passes tables and page that agree', async () => {
    expect(await findingsOf(errors, good())).toEqual([])
  })

  it('writes code and mend of each table, pipes escaped and shared texts resolved', () => {
    const page = pageOf({ 'src/log/errors.ts': TABLE })
    expect(page).toContain('## LogError')
    expect(page).toContain('| `ERR_LOG_FULL` | free a \\| disk |')
    expect(page).toContain('| `ERR_LOG_BUSY` | wait a while |')
  })

  it('finds a code that the page does not list', async () => {
    const page = good()['docs/errors.md']?.replace(/.*ERR_LOG_BUSY.*\n/, '') ?? ''
    expect((await findingsOf(errors, { ...good(), 'docs/errors.md': page })).join()).toMatch(
      /ERR_LOG_BUSY is not listed/,
    )
  })

  it('finds a code on the page that no longer exists', async () => {
    const page = `${good()['docs/errors.md']}| \`ERR_LOG_OLD\` | gone |\n`
    expect((await findingsOf(errors, { ...good(), 'docs/errors.md': page })).join()).toMatch(
      /ERR_LOG_OLD no longer exists/,
    )
  })

  it('finds a mend that was changed in one place only', async () => {
    const table = TABLE.replace('free a', 'buy a')
    expect((await findingsOf(errors, { ...good(), 'src/log/errors.ts': table })).join()).toMatch(
      /differs from its table/,
    )
  })

  it('finds a raised code without a table', async () => {
    const files = { ...good(), 'src/log/log.ts': `${USES}throw new LogError('ERR_LOG_LOST', '')\n` }
    expect(await findingsOf(errors, files)).toEqual(['src/log/log.ts:3: ERR_LOG_LOST is in no error table'])
  })

  it('finds a code that is never raised', async () => {
    const files = { ...good(), 'src/log/log.ts': "throw new LogError('ERR_LOG_FULL', '')\n" }
    expect(await findingsOf(errors, files)).toEqual([
      'src/log/errors.ts:4: ERR_LOG_BUSY is never raised: remove it',
    ])
  })

  it('finds a code that stands in two tables, has no mend, or has no shape', async () => {
    const second = "defineErrors('Second', { ERR_LOG_FULL: 'x', ERR_LOG_BUSY: '', ERR_lower: 'x' })\n"
    const findings = (await findingsOf(errors, { ...good(), 'src/log/second.ts': second })).join('\n')
    expect(findings).toMatch(/ERR_LOG_FULL is also in src\/log\/errors\.ts/)
    expect(findings).toMatch(/ERR_LOG_BUSY has no mend/)
    expect(findings).toMatch(/ERR_lower is not ERR_/)
  })
})
