import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/** The root of this repository. */
export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface ToolOutput {
  code: number
  stdout: string
  stderr: string
}

/**
 * Runs a tool's JavaScript entry, given relative to this repository's node_modules, under this Node.
 *
 * Not through `node_modules/.bin`: those are shell scripts on one system and links on another.
 */
export function runTool(entry: string, args: readonly string[], cwd: string): Promise<ToolOutput> {
  return run(process.execPath, [join(REPOSITORY, 'node_modules', entry), ...args], cwd)
}

/** Runs a program to its end and collects what it wrote; rejects only when it cannot be started. */
export function run(command: string, args: readonly string[], cwd: string): Promise<ToolOutput> {
  return new Promise((resolve, reject) => {
    const bin = join(REPOSITORY, 'node_modules', '.bin')
    const { FORCE_COLOR: _, ...inherited } = process.env
    const env = { ...inherited, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, NO_COLOR: '1' }
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
    child.on('error', reject)
    child.on('close', (code) => {
      // Some tools write colours in CI whatever NO_COLOR says.
      const [stdout, stderr] = [output.stdout, output.stderr].map(stripVTControlCharacters)
      resolve({ code: code ?? 1, stdout: stdout ?? '', stderr: stderr ?? '' })
    })
  })
}
