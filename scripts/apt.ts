import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findOnPath } from './executable.ts'
import { withProgress } from './setup/progress.js'

/** True where this process may install Debian packages: root, on Debian itself, with apt-get. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && isDebian() && findOnPath(['apt-get']) !== undefined
}

// Ubuntu is left out on purpose: its Chromium package is a snap, which does not run in a container.
function isDebian(): boolean {
  try {
    return /^ID="?debian"?$/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

let listsAreFresh = false

/**
 * Installs Debian packages without a question; the package lists are refreshed once per process.
 *
 * @returns what apt-get said last when it failed, else `undefined`
 */
export async function installPackages(names: readonly string[]): Promise<string | undefined> {
  return withProgress(`Installing ${names.join(', ')} with apt-get`, async (say) => {
    if (!listsAreFresh) {
      const failure = await aptGet(['update', '-q'], say)
      if (failure !== undefined) return failure
      listsAreFresh = true
    }
    return aptGet(['install', '-y', '-q', '--no-install-recommends', ...names], say)
  })
}

function aptGet(args: readonly string[], say: (text: string) => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('apt-get', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    let tail = ''
    const take = (chunk: Buffer): void => {
      tail = (tail + chunk.toString()).slice(-4000)
      say(tail.trim().split('\n').at(-1)?.slice(0, 60) ?? '')
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : tail.trim().split('\n').slice(-5).join('\n')),
    )
  })
}
