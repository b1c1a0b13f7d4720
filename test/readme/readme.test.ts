import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { findUnbound, parseSecurityPage } from '../../src/page/index.ts'
import { catalogue, findPromise } from '../../src/promises/index.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

function block(language: string): string {
  const found = new RegExp(`\\n\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme)
  expect(found).not.toBeNull()
  return found![1]!
}

describe('the README', () => {
  test('shows code that is type-checked: example.ts holds it line by line', () => {
    const example = readFileSync(new URL('./example.ts', import.meta.url), 'utf8').split('\n')
    const lines = block('ts').split('\n')
    expect(lines.length).toBeGreaterThan(20)
    expect(lines.filter((line) => !example.includes(line))).toEqual([])
  })

  test('shows a page whose promises exist', () => {
    const page = parseSecurityPage(block('md'), findPromise)
    expect(page.promises.map(({ id }) => id)).toEqual(['encryption.rest', 'access.tenant-isolation'])
    expect(findUnbound(page)).toEqual([])
  })

  test('names every promise that has a mechanism, and no other as measured', () => {
    const measured = [...catalogue.values()].flatMap(({ id, evidence }) =>
      evidence === 'measured' ? [id] : [],
    )
    const sentence = /Measured today: ([^.]+(?:\.[a-z][^.]*)*)\./.exec(readme)
    const named = [...(sentence?.[0] ?? '').matchAll(/`([a-z.-]+)`/g)].map(([, id]) => id!)
    expect(named.toSorted((a, b) => a.localeCompare(b))).toEqual(
      measured.toSorted((a, b) => a.localeCompare(b)),
    )
  })
})
