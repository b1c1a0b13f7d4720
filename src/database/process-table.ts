import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

/** True when a process with this id runs, whoever owns it; a zombie does not run. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return (await statusFields(pid))?.[0] !== 'Z'
}

/** Boot id and start tick of a process on Linux, null elsewhere: it tells a reused pid from its first owner. */
export async function processStart(pid: number): Promise<string | null> {
  const tick = (await statusFields(pid))?.[19]
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null)
  return tick === undefined || boot === null ? null : `${boot.trim()}:${tick}`
}

/** The command line of a process, words separated by spaces; null when it cannot be read. */
export async function commandLine(pid: number): Promise<string | null> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trimEnd()
  } catch {
    if (process.platform === 'linux' || process.platform === 'win32') return null
    const run = promisify(execFile)
    return run('ps', ['-p', String(pid), '-o', 'args=']).then(
      ({ stdout }) => stdout.trim(),
      () => null,
    )
  }
}

/** Fields 3 and on of `/proc/<pid>/stat`; the command name before them may itself hold spaces and parentheses. */
async function statusFields(pid: number): Promise<string[] | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

/** True when some process works in `folder`; only Linux tells, and only about processes of ours or to root. */
export async function someoneWorksIn(folder: string): Promise<boolean> {
  const entries = await readdir('/proc').catch(() => [])
  const folders = await Promise.all(
    entries
      .filter((name) => /^[0-9]+$/.test(name))
      .map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => null)),
  )
  return folders.includes(folder)
}
