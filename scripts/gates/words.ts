import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding, Gate } from './gate.ts'
import { listFiles, SOURCE_FOLDERS } from './source-tree.ts'

const ROOT_FILES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'package.json',
  'package-lock.json',
  '.npmrc',
]
const TEXT = /\.(?:ts|js|json|md|sql|go|html|css|txt|sh|ya?ml)$|^\.ci\/|^\.npmrc$/

/** What belongs to one machine or one moment, not to the project; the pattern names what was found. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`${['', 'work', '(?:main|shared|tmp|\\.[a-z]+)'].join('/')}\\b`), 'a path of one machine'],
  [/\/(?:home|Users)\/[a-z][\w.-]*\/(?:\.npm|\.cache|\.config)\b/, 'a path of one machine'],
  [new RegExp(`\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`), 'an unfinished note'],
  [
    /https?:\/\/(?:[\w-]+\.)*(?:artifactory|nexus|verdaccio|codeartifact)[\w.-]*/i,
    'a private package registry',
  ],
  [/\/\/[^\s/]+\/:_(?:authToken|auth|password)=/, 'a credential of a package registry'],
]

const FILE_WORDS = /(?:^|[/-])(?:utils?|helpers?|common|misc|manager|service)(?:[-./]|$)/

/** Machine paths, private registries, unfinished notes, and file names that say nothing. */
export const words: Gate = {
  name: 'words',
  of: 'files',
  atLeast: 100,
  async inspect(root) {
    const files = [...SOURCE_FOLDERS, 'docs'].flatMap((folder) => listFiles(root, folder))
    const texts = [...files.filter((file) => TEXT.test(file)), ...ROOT_FILES]
    const findings: Finding[] = files
      .filter((file) => FILE_WORDS.test(file))
      .map((file) => ({ file, message: 'name the file after the one thing it exports' }))
    let looked = 0
    for (const file of texts) {
      const text = readIfThere(join(root, file))
      if (text === undefined) continue
      looked += 1
      findings.push(...inspectText(file, text))
    }
    return { looked, findings }
  },
}

/** The findings of one text; `registry` is this machine's package registry, which must not be written down. */
export function inspectText(file: string, text: string, registry = ownRegistryHost()): Finding[] {
  const findings: Finding[] = []
  for (const [number, line] of text.split('\n').entries()) {
    const object = (message: string): number => findings.push({ file, line: number + 1, message })
    for (const [pattern, what] of FORBIDDEN) if (pattern.test(line)) object(what)
    if (registry !== undefined && line.includes(registry)) object("this machine's package registry")
    if (file === 'package-lock.json' && /"resolved": "https?:/.test(line)) {
      object('a download address: the lockfile records none, so that it installs from any registry')
    }
  }
  return findings
}

function ownRegistryHost(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const url = env['npm_config_registry']
  if (url === undefined || !URL.canParse(url)) return undefined
  const { host } = new URL(url)
  return host === '' ? undefined : host
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
