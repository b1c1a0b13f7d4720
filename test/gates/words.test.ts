import { describe, expect, it } from 'vitest'
import { inspectText, words } from '../../scripts/gates/words.ts'
import { findingsOf } from './planted-tree.ts'

const machinePath = ['', 'work', 'main', 'src'].join('/')
const unfinished = ['TO', 'DO'].join('')

describe('the gate of words', () => {
  it('finds a machine path, an unfinished note and an empty name', async () => {
    const findings = await findingsOf(words, {
      'docs/a.md': `see\n${machinePath}\n`,
      'src/log/b.ts': `// ${unfinished}: later\n`,
      'src/log/log-helpers.ts': '',
      'src/log/utils/x.ts': '',
    })
    expect(findings).toEqual([
      'src/log/log-helpers.ts: name the file after the one thing it exports',
      'src/log/utils/x.ts: name the file after the one thing it exports',
      'src/log/b.ts:1: an unfinished note',
      'docs/a.md:2: a path of one machine',
    ])
  })

  it('reads the files in the root as well', async () => {
    const findings = await findingsOf(words, { 'README.md': machinePath })
    expect(findings).toEqual(['README.md:1: a path of one machine'])
  })

  it('finds the package registry of the machine that runs it', () => {
    const text = 'fetched from https://packages.example:4873/zod'
    expect(inspectText('docs/a.md', text, 'packages.example:4873')).toHaveLength(1)
    expect(inspectText('docs/a.md', text, undefined)).toEqual([])
  })

  it('finds a lockfile that records where a package was downloaded', () => {
    const line = '      "resolved": "https://mirror.example/zod/-/zod-4.0.0.tgz",'
    expect(inspectText('package-lock.json', line, undefined)).toHaveLength(1)
    expect(
      inspectText('package-lock.json', '      "resolved": "examples/coding-metrics",', undefined),
    ).toEqual([])
  })

  it('finds a credential of a registry', () => {
    expect(
      inspectText('.npmrc', ['//packages.example/:', '_authToken=abc'].join(''), undefined),
    ).toHaveLength(1)
  })

  it('lets ordinary names and words be', async () => {
    const files = {
      'src/log/community.ts': '// commonly managed\n',
      'docs/services-we-use.md': 'a service\n',
    }
    expect(await findingsOf(words, files)).toEqual([])
  })
})
