import { describe, expect, it } from 'vitest'
import { loadBrowserModules, MODULES_PATH } from './browser-modules.ts'

const modules = loadBrowserModules('page/island/verify-button')
const paths = [...modules.files.keys()]

describe('the modules of the verify button', () => {
  it('are the island, verify and kernel, and nothing else', () => {
    expect(paths.length).toBeGreaterThan(20)
    expect(paths).toContain(modules.entry)
    for (const path of paths) {
      expect(path).toMatch(
        /^\/\.surety\/modules\/(kernel|verify(\/outside)?|page\/island)\/[a-z0-9_-]+\.[tj]s$/,
      )
      expect(path).not.toContain('.test.')
    }
  })

  it('are JavaScript that needs nothing of Node', () => {
    for (const [path, { code }] of modules.files) {
      expect(code, path).not.toMatch(/from\s*['"]node:|\brequire\(|\bprocess\.|\bBuffer\b(?=[.(])/)
      expect(code, path).not.toMatch(/^import type /m)
    }
  })

  it('import only what is served', () => {
    let imports = 0
    for (const [path, { code }] of modules.files) {
      for (const [, specifier] of code.matchAll(/^(?:import|export)[^'"`;]*?from\s*['"]([^'"]+)['"]/gm)) {
        imports += 1
        expect(specifier).toMatch(/^\.{1,2}\//)
        const target = new URL(specifier!, `file://${path}`).pathname
        expect(modules.files.has(target), `${path} imports ${specifier}`).toBe(true)
      }
    }
    expect(imports).toBeGreaterThan(30)
  })

  it('change their tag with their text', () => {
    const tags = new Set([...modules.files.values()].map((module) => module.etag))
    expect(tags.size).toBe(new Set([...modules.files.values()].map((module) => module.code)).size)
  })

  it('stand under one path', () => {
    expect(modules.entry.startsWith(MODULES_PATH)).toBe(true)
  })
})

describe('an island outside the allowed folders', () => {
  it.each(['http/routes', 'log/signer', '../package'])('%s is refused', (island) => {
    expect(() => loadBrowserModules(island)).toThrow(
      expect.objectContaining({ code: 'ERR_HTTP_MODULE_GRAPH' }),
    )
  })
})
