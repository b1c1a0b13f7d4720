import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import type { Finding, Gate } from './gate.ts'
import { run, runTool } from './tool.ts'

const REQUIRED = ['LICENSE', 'README.md', 'SECURITY.md', 'package.json', 'bin/surety.js']
const UNWANTED = /\.test\.(?:ts|js|d\.ts)$|^(?:test|scripts|examples|bench|docs)\/|\.env|\.surety\//

/** What would be published: it builds, its exports lead somewhere, and it holds no tests. */
export const packaged: Gate = {
  name: 'package',
  of: 'files',
  atLeast: 100,
  async inspect(root) {
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    const build = await runTool(
      'typescript/bin/tsc',
      ['-p', 'tsconfig.build.json', '--pretty', 'false'],
      root,
    )
    if (build.code !== 0)
      return { looked: 0, findings: [{ file: 'tsconfig.build.json', message: build.stdout }] }
    const files = await listPacked(root)
    const findings = [
      ...inspectFiles(files),
      ...inspectExports(root, files),
      ...(await inspectManifest(root)),
    ]
    return { looked: files.length, findings }
  },
}

async function listPacked(root: string): Promise<string[]> {
  const output = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], root)
  if (output.code !== 0) throw new TypeError(`npm pack failed: ${output.stderr}`)
  const packed: unknown = JSON.parse(output.stdout)
  // npm 12 answers with an object by package name, earlier ones with a list.
  const [first] = Object.values(packed as Record<string, { files: { path: string }[] }>)
  return (first?.files ?? []).map(({ path }) => path)
}

/** Findings among the paths of a package. */
export function inspectFiles(files: readonly string[]): Finding[] {
  const absent = REQUIRED.filter((file) => !files.includes(file)).map((file) => `${file} is not packed`)
  const unwanted = files.filter((file) => UNWANTED.test(file)).map((file) => `${file} must not be packed`)
  return [...absent, ...unwanted].map((message) => ({ file: 'package.json', message }))
}

function inspectExports(root: string, files: readonly string[]): Finding[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports?: unknown }
  return targetsOf(manifest.exports)
    .map((target) => target.replace(/^\.\//, ''))
    .filter((target) => !target.includes('*') && !(existsSync(join(root, target)) && files.includes(target)))
    .map((target) => ({ file: 'package.json', message: `exports names ${target}, which is not packed` }))
}

function targetsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(targetsOf) : []
}

async function inspectManifest(root: string): Promise<Finding[]> {
  const { messages, pkg } = await publint({ pkgDir: root, strict: true, pack: 'npm' })
  return messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => ({
      file: 'package.json',
      message: formatMessage(message, pkg ?? {}, { color: false }) ?? message.code,
    }))
}
