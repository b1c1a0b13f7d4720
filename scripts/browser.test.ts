import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findBrowser } from './browser.ts'
import { findOnPath, isExecutable } from './executable.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'surety browser '))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function place(path: string, mode: number): string {
  writeFileSync(path, '')
  chmodSync(path, mode)
  return path
}

describe('findBrowser', () => {
  it('takes the browser that SURETY_CHROMIUM names before any other', async () => {
    const path = folder()
    const named = place(join(path, 'my-browser'), 0o755)
    place(join(path, 'chromium'), 0o755)
    expect(await findBrowser({ SURETY_CHROMIUM: named, PATH: path })).toBe(named)
  })

  it('refuses a SURETY_CHROMIUM that is no executable file, instead of taking another browser', async () => {
    const path = folder()
    place(join(path, 'chromium'), 0o755)
    await expect(findBrowser({ SURETY_CHROMIUM: join(path, 'gone'), PATH: path })).rejects.toThrow(
      'SURETY_CHROMIUM',
    )
  })

  it('finds a browser on the PATH by any of its names', async () => {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = folder()
      const browser = place(join(path, name), 0o755)
      expect(await findBrowser({ PATH: path })).toBe(browser)
    }
  })
})

describe('findOnPath', () => {
  it('prefers an earlier name over an earlier folder, and passes over what cannot be run', () => {
    const first = folder()
    const second = folder()
    place(join(first, 'b'), 0o755)
    const a = place(join(second, 'a'), 0o755)
    mkdirSync(join(first, 'a'))
    expect(findOnPath(['a', 'b'], [first, second].join(delimiter))).toBe(a)
    expect(findOnPath(['a'], '')).toBeUndefined()
  })

  it('takes no folder for an executable', () => {
    expect(isExecutable(folder())).toBe(false)
  })
})
