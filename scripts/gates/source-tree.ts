import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, type ParseResult } from 'oxc-parser'

/** Folders that hold sources of this repository. */
export const SOURCE_FOLDERS = ['src', 'examples', 'scripts', 'test', 'bench', 'bin', '.ci'] as const

const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.surety', 'fixtures'])

/** Every file below `folder` of `root`, relative to `root`, with forward slashes; sorted. */
export function listFiles(root: string, folder: string): string[] {
  const files: string[] = []
  const walk = (path: string): void => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue
      const child = `${path}/${entry.name}`
      if (entry.isDirectory()) walk(child)
      else if (entry.isFile()) files.push(child)
    }
  }
  if (readdirSync(root).includes(folder)) walk(folder)
  return files.sort()
}

/** The TypeScript files below `folders`. */
export function listTypeScript(root: string, folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => listFiles(root, folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
}

export function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.startsWith('test/')
}

/** A parsed source file. */
export interface Source {
  file: string
  text: string
  parsed: ParseResult
  /** 1-based line of an offset into `text`. */
  lineAt(offset: number): number
}

/** @throws SyntaxError when the file does not parse: a gate must not pass over what it cannot read */
export function readSource(root: string, file: string): Source {
  const text = readFileSync(join(root, file), 'utf8')
  const parsed = parseSync(file, text)
  const [error] = parsed.errors
  if (error !== undefined) throw new SyntaxError(`${file}: ${error.message}`)
  return { file, text, parsed, lineAt: (offset) => text.slice(0, offset).split('\n').length }
}
