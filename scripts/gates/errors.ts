// Holds the error tables in the sources and docs/errors.md against each other, in both directions.
//   node scripts/gates/errors.ts --write     writes docs/errors.md anew
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Expression, Visitor } from 'oxc-parser'
import type { Finding, Gate } from './gate.ts'
import { isTest, listTypeScript, readSource, type Source } from './source-tree.ts'

const PAGE = 'docs/errors.md'
const CODE = /^ERR_[A-Z0-9]+(?:_[A-Z0-9]+)+$/

/** One code of a `defineErrors` table. */
export interface ErrorCode {
  code: string
  mend: string
  error: string
  file: string
  line: number
}

/** The error tables, the codes that the sources use, and docs/errors.md agree. */
export const errors: Gate = {
  name: 'error table',
  of: 'codes',
  atLeast: 20,
  async inspect(root) {
    const sources = readSources(root)
    const codes = sources.flatMap(codesOf)
    const findings = [
      ...findDuplicates(codes),
      ...sources.flatMap((source) => findUnknown(source, codes)),
      ...findUnused(sources, codes),
      ...comparePage(root, codes),
    ]
    return { looked: codes.length, findings }
  },
}

function readSources(root: string): Source[] {
  return listTypeScript(root, ['src'])
    .filter((file) => !isTest(file))
    .map((file) => readSource(root, file))
}

/** The codes of all `defineErrors('Name', { CODE: 'mend' })` calls in a source file. */
export function codesOf(source: Source): ErrorCode[] {
  const codes: ErrorCode[] = []
  const constants = constantsOf(source)
  new Visitor({
    CallExpression: (node) => {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'defineErrors') return
      const [name, table] = node.arguments
      if (name?.type !== 'Literal' || table?.type !== 'ObjectExpression') return
      for (const property of table.properties) {
        if (property.type !== 'Property' || property.key.type !== 'Identifier') continue
        codes.push({
          code: property.key.name,
          mend: textOf(property.value, constants),
          error: String(name.value),
          file: source.file,
          line: source.lineAt(property.start),
        })
      }
    },
  }).visit(source.parsed.program)
  return codes
}

/** The string constants at the top of a file: several codes may share one mend. */
function constantsOf(source: Source): ReadonlyMap<string, string> {
  const constants = new Map<string, string>()
  for (const statement of source.parsed.program.body) {
    if (statement.type !== 'VariableDeclaration') continue
    for (const { id, init } of statement.declarations) {
      if (id.type === 'Identifier' && init !== null) constants.set(id.name, textOf(init, constants))
    }
  }
  return constants
}

function textOf(node: Expression, constants: ReadonlyMap<string, string>): string {
  if (node.type === 'Literal') return String(node.value)
  if (node.type === 'Identifier') return constants.get(node.name) ?? ''
  if (node.type === 'TemplateLiteral') return node.quasis.map((part) => part.value.cooked ?? '').join('…')
  if (node.type === 'BinaryExpression' && node.operator === '+') {
    return textOf(node.left, constants) + textOf(node.right, constants)
  }
  return ''
}

function findDuplicates(codes: readonly ErrorCode[]): Finding[] {
  const first = new Map<string, ErrorCode>()
  const findings: Finding[] = []
  for (const code of codes) {
    const { file, line } = code
    const other = first.get(code.code)
    if (other !== undefined) findings.push({ file, line, message: `${code.code} is also in ${other.file}` })
    first.set(code.code, code)
    if (!CODE.test(code.code)) findings.push({ file, line, message: `${code.code} is not ERR_<ROOM>_<WHAT>` })
    if (code.mend.trim() === '') findings.push({ file, line, message: `${code.code} has no mend` })
  }
  return findings
}

function findUnknown(source: Source, codes: readonly ErrorCode[]): Finding[] {
  const known = new Set(codes.map(({ code }) => code))
  const findings: Finding[] = []
  new Visitor({
    Literal: (node) => {
      const text = node.value
      if (typeof text !== 'string' || !CODE.test(text) || known.has(text) || isOfNode(text)) return
      findings.push({
        file: source.file,
        line: source.lineAt(node.start),
        message: `${text} is in no error table`,
      })
    },
  }).visit(source.parsed.program)
  return findings
}

/** Codes that Node itself raises and that our sources compare with. */
function isOfNode(code: string): boolean {
  return /^ERR_(?:CRYPTO|HTTP2?|IPC|INVALID|MODULE|OSSL|SERVER|SOCKET|STREAM|TLS|UNHANDLED|UNKNOWN|ZLIB)_/.test(
    code,
  )
}

function findUnused(sources: readonly Source[], codes: readonly ErrorCode[]): Finding[] {
  const used = new Set<string>()
  for (const source of sources) {
    new Visitor({
      Literal: (node) => {
        if (typeof node.value === 'string') used.add(node.value)
      },
    }).visit(source.parsed.program)
  }
  return codes
    .filter(({ code }) => !used.has(code))
    .map(({ code, file, line }) => ({ file, line, message: `${code} is never raised: remove it` }))
}

function comparePage(root: string, codes: readonly ErrorCode[]): Finding[] {
  const path = join(root, PAGE)
  const page = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (page === renderPage(codes)) return []
  const listed = new Set(page.match(/\bERR_[A-Z0-9_]+/g))
  const known = new Set(codes.map(({ code }) => code))
  const absent = [...known].filter((code) => !listed.has(code)).map((code) => `${code} is not listed`)
  const stale = [...listed].filter((code) => !known.has(code)).map((code) => `${code} no longer exists`)
  const what = [...absent, ...stale]
  const messages = what.length > 0 ? what : ['a text differs from its table']
  return messages.map((message) => ({ file: PAGE, message: `${message}: run "npm run docs:errors"` }))
}

/** The page docs/errors.md as it follows from the tables. */
export function renderPage(codes: readonly ErrorCode[]): string {
  const names = [...new Set(codes.map(({ error }) => error))].sort()
  const sections = names.map((name) => {
    const own = codes.filter(({ error }) => error === name).sort((a, b) => (a.code < b.code ? -1 : 1))
    const rows = own.map(({ code, mend }) => `| \`${code}\` | ${mend.replaceAll('|', '\\|')} |`)
    return [`## ${name}`, '', '| code | what to do |', '| --- | --- |', ...rows, ''].join('\n')
  })
  return [HEAD, ...sections].join('\n')
}

const HEAD = `# Errors

Every error that Surety raises on purpose has a \`code\` that stays the same from release to release. The
message names what it happened to; this page says what to do. Written from the error tables in the sources
by \`npm run docs:errors\`.
`

if (import.meta.main && process.argv.includes('--write')) {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  const codes = readSources(root).flatMap(codesOf)
  writeFileSync(join(root, PAGE), renderPage(codes))
  process.stdout.write(`${PAGE}: ${codes.length} codes\n`)
}
