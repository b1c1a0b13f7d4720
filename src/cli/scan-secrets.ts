import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findKeys, keyPrefix, keyRule, type FoundKey } from '../tenants/index.ts'
import { textOption, type Command, type ExitCode, type Invocation } from './command.ts'
import { CliError } from './errors.ts'
import { visible } from './terminal.ts'

export const scanSecretsCommand: Command = {
  usage: [
    'surety scan-secrets [PATH …] [--json]',
    'surety scan-secrets --rule NAME [--json]',
    '',
    '  PATH           files and folders to look through; default: this folder. Left out are .git,',
    '                 node_modules and symbolic links',
    '  --rule NAME    instead, print the rule by which other scanners find the keys of the system NAME',
    '',
    'Exit: 0 no key lies there · 1 one does · 2 could not run, or not everything could be read',
  ],
  options: { rule: { type: 'string' } },
  async run(invocation) {
    const system = textOption(invocation, 'rule')
    return system === undefined ? scan(invocation) : printRule(invocation, system)
  },
}

interface Finding extends Omit<FoundKey, 'index'> {
  readonly file: string
  /** From 1. */
  readonly line: number
}

interface Scan {
  files: number
  readonly found: Finding[]
  readonly unread: string[]
}

async function scan({ positionals, terminal }: Invocation): Promise<ExitCode> {
  const result: Scan = { files: 0, found: [], unread: [] }
  for (const path of positionals.length === 0 ? ['.'] : positionals) {
    const there = await lstat(path).catch(() => null)
    if (!there) throw new CliError('ERR_CLI_SCAN', `${visible(path)} is not there`)
    await (there.isDirectory() ? scanFolder(path, result) : scanFile(path, result))
  }
  const { files, found, unread } = result
  terminal.result({ schema: 1, files, found, unread })
  for (const { file, line, prefix, id } of found)
    terminal.say(`${terminal.paint('bad', 'key')}     ${visible(file)}:${line}  of ${prefix}, ${id}`)
  for (const path of unread) terminal.say(`${terminal.paint('open', 'unread')}  ${visible(path)}`)
  terminal.say(
    found.length === 0
      ? `no key in ${files} files`
      : `${found.length} keys in ${files} files: revoke them at /account/keys, then take them out`,
  )
  if (found.length > 0) return 1
  return unread.length > 0 ? 2 : 0
}

const LEFT_OUT: ReadonlySet<string> = new Set(['.git', 'node_modules'])

async function scanFolder(folder: string, result: Scan): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null)
  if (!entries) {
    result.unread.push(folder)
    return
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) await scanFolder(path, result)
    if (entry.isFile()) await scanFile(path, result)
  }
}

/** Longer than the longest key, so that none is cut in two where a piece ends. */
const OVERLAP = 128

async function scanFile(file: string, result: Scan): Promise<void> {
  const seen = new Set<string>()
  let [before, line] = ['', 1]
  try {
    // Each byte as one character; without NULs, a key in UTF-16 reads like any other.
    for await (const piece of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
      const text = before + (piece as string).replaceAll('\0', '')
      for (const { index, ...key } of findKeys(text)) {
        const at = line + linesIn(text.slice(0, index))
        // What lies in the overlap is met twice.
        if (!seen.has(`${at} ${key.id}`)) result.found.push({ file, line: at, ...key })
        seen.add(`${at} ${key.id}`)
      }
      before = text.slice(-OVERLAP)
      line += linesIn(text.slice(0, -OVERLAP))
    }
    result.files += 1
  } catch {
    result.unread.push(file)
  }
}

function linesIn(text: string): number {
  return text.split('\n').length - 1
}

function printRule({ terminal }: Invocation, system: string): ExitCode {
  const { prefix, pattern, length } = keyRule(keyPrefix(system))
  terminal.result({ schema: 1, prefix, pattern, length })
  terminal.say(
    `prefix   ${prefix}_`,
    `pattern  ${pattern}`,
    `length   ${length}`,
    '',
    'The last six characters follow from the rest (the first 32 bits of its SHA-256, in base 62), so',
    'that `surety scan-secrets` tells a key from what looks like one without asking anybody.',
  )
  return 0
}
