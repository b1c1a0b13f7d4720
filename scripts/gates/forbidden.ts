import { type Node, Visitor } from 'oxc-parser'
import type { Finding, Gate } from './gate.ts'
import { isTest, listTypeScript, readSource, type Source } from './source-tree.ts'

const CLOCK_FILE = 'src/kernel/clock.ts'
/** Asks the database for its time to compare it with the clock's, never to use it. */
const DATABASE_CLOCK_FILE = 'src/database/clock-agreement.ts'
const BROWSER_SAFE = ['src/kernel/', 'src/verify/']
const NODE_GLOBALS = new Set(['Buffer', 'process', 'require', '__dirname', '__filename', 'setImmediate'])
const BARE_ERRORS = new Set(['Error'])

/** SQL that asks the database for the time: our time comes from a `Clock`, so that it can be shifted. */
const SQL_TIME =
  /\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b/i
const SQL_WORDS = /\b(?:select|insert|update|delete|create|alter|default|where|values|set)\b/i

/** Calls that the house rules forbid in `src`: bare errors, clocks of its own, Node in browser-safe rooms. */
export const forbidden: Gate = {
  name: 'forbidden calls',
  of: 'files',
  atLeast: 60,
  async inspect(root) {
    const files = listTypeScript(root, ['src']).filter((file) => !isTest(file))
    const findings = files.flatMap((file) => inspectSource(readSource(root, file)))
    return { looked: files.length, findings }
  },
}

/** The findings of one source file. */
export function inspectSource(source: Source): Finding[] {
  const findings: Finding[] = []
  const object = (node: { start: number }, message: string): void => {
    findings.push({ file: source.file, line: source.lineAt(node.start), message })
  }
  const browserSafe = BROWSER_SAFE.some((folder) => source.file.startsWith(folder))
  new Visitor({
    ThrowStatement: (node) => {
      if (isBareError(node.argument)) object(node, 'throw a coded error (defineErrors), not a bare Error')
    },
    CallExpression: (node) => {
      if (isClockCall(node.callee) && source.file !== CLOCK_FILE) object(node, 'take the time from a Clock')
    },
    NewExpression: (node) => {
      if (isNamed(node.callee, 'Date') && node.arguments.length === 0)
        object(node, 'take the time from a Clock')
    },
    TaggedTemplateExpression: (node) => {
      const text = node.quasi.quasis.map((part) => part.value.raw).join(' ? ')
      if (isNamed(node.tag, 'sql') && SQL_TIME.test(text)) object(node, SQL_TIME_MESSAGE)
    },
    Literal: (node) => {
      if (
        typeof node.value === 'string' &&
        source.file !== DATABASE_CLOCK_FILE &&
        asksTheDatabaseForTime(node.value)
      )
        object(node, SQL_TIME_MESSAGE)
    },
    TemplateLiteral: (node) => {
      const text = node.quasis.map((part) => part.value.raw).join(' ? ')
      if (asksTheDatabaseForTime(text)) object(node, SQL_TIME_MESSAGE)
    },
    MemberExpression: (node) => {
      if (isNamed(node.object, 'process') && isNamed(node.property, 'hrtime')) {
        object(node, 'take the time from a Clock')
      }
    },
    Identifier: (node) => {
      if (browserSafe && NODE_GLOBALS.has(node.name)) object(node, `${node.name} does not exist in browsers`)
    },
  }).visit(source.parsed.program)
  return findings
}

const SQL_TIME_MESSAGE = "our SQL never asks the database for the time: pass the Clock's"

function asksTheDatabaseForTime(text: string): boolean {
  return SQL_WORDS.test(text) && SQL_TIME.test(text)
}

function isBareError(node: Node): boolean {
  return (
    (node.type === 'NewExpression' || node.type === 'CallExpression') &&
    node.callee.type === 'Identifier' &&
    BARE_ERRORS.has(node.callee.name)
  )
}

function isClockCall(callee: Node): boolean {
  if (isNamed(callee, 'Date')) return true
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return false
  const { object, property } = callee
  return (isNamed(object, 'Date') || isNamed(object, 'performance')) && property.name === 'now'
}

function isNamed(node: Node, name: string): boolean {
  return node.type === 'Identifier' && node.name === name
}
