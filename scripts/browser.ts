import { findOnPath, isExecutable } from './executable.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/** What Playwright's `chromium.launch` needs to start the browser that was found. */
export interface BrowserLaunch {
  executablePath: string
  args: string[]
}

/**
 * Finds a Chromium for the end-to-end tests: `$SURETY_CHROMIUM`, else one on the PATH, else the one that
 * Playwright has downloaded. `undefined` when there is none.
 *
 * @throws TypeError when `$SURETY_CHROMIUM` names no executable file
 */
export async function findBrowser(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const named = env['SURETY_CHROMIUM']
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named
    throw new TypeError('SURETY_CHROMIUM does not name an executable file')
  }
  return findOnPath(NAMES, env['PATH'] ?? '') ?? (await findDownloadedBrowser())
}

async function findDownloadedBrowser(): Promise<string | undefined> {
  // Loading Playwright takes a second: only when nothing else was found.
  const { chromium } = await import('playwright-core')
  const path = chromium.executablePath()
  return isExecutable(path) ? path : undefined
}

/** The launch options for the browser that was found, or `undefined` when there is none. */
export async function browserLaunch(): Promise<BrowserLaunch | undefined> {
  const executablePath = await findBrowser()
  if (executablePath === undefined) return undefined
  // Chromium's sandbox refuses to start as root; shared memory is small in containers.
  const args = ['--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
  return { executablePath, args }
}
