import { CATEGORIES, ENTITY_TYPES, heartbeats } from '../resources.ts'
import { refuse, type Refusal, type RefusalCode } from './refusal.ts'

const DAY_MS = 86_400_000
/** A laptop may have slept for long: heartbeats up to this age count. */
export const OLDEST_MS = 366 * DAY_MS
/** Clocks go wrong: heartbeats up to this far ahead count. */
export const NEWEST_MS = DAY_MS
/** Heartbeats of one request that are stored; real clients send no more. */
export const MAX_HEARTBEATS = 25

const MAX_MEMBERS = 64
const fields = heartbeats.fields

/** One heartbeat as it is stored, but for whose it is. */
export interface ParsedHeartbeat {
  readonly time: Date
  readonly entity: string
  readonly type: (typeof ENTITY_TYPES)[number]
  readonly category: (typeof CATEGORIES)[number] | null
  readonly language: string | null
  readonly project: string | null
  readonly branch: string | null
  readonly machine: string | null
  readonly timeZone: string | null
  readonly userAgent: string | null
  readonly dependencies: string[] | null
  readonly isWrite: boolean | null
  readonly lines: number | null
  readonly lineNumber: number | null
  readonly cursorPosition: number | null
}

export interface Accepted {
  readonly heartbeat: ParsedHeartbeat
  /** Members no field declares, as they were sent: the data map drops and counts them. */
  readonly undeclared: Readonly<Record<string, unknown>>
}

/** What the request's headers say about all its heartbeats. */
export interface HeartbeatHeaders {
  readonly machine: string | null
  readonly timeZone: string | null
  readonly userAgent: string | null
}

/** The members of a heartbeat on the wire that are read; every other one is undeclared. */
const READ = new Set([
  'time',
  'entity',
  'type',
  'category',
  'language',
  'project',
  'branch',
  'dependencies',
  'is_write',
  'lines',
  'lineno',
  'cursorpos',
  'user_agent',
])

/**
 * One heartbeat from the wire, or why it is refused.
 *
 * Lenient where real clients differ (numbers and booleans as texts, `dependencies` as one text, a
 * null or empty optional member, an unknown `category`), strict in everything that is stored. A
 * header that does not fit is left out: it says nothing about this heartbeat alone.
 */
export function parseHeartbeat(item: unknown, headers: HeartbeatHeaders, now: number): Accepted | Refusal {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return refuse('ERR_HEARTBEAT_SHAPE')
  const sent = item as Readonly<Record<string, unknown>>
  if (Object.keys(sent).length > MAX_MEMBERS) return refuse('ERR_HEARTBEAT_MEMBERS')
  return unlessMemberRefused(() => {
    const heartbeat = readMembers(sent, headers, now)
    return { heartbeat, undeclared: collectUndeclared(sent, heartbeat) }
  })
}

/** The project that a stored heartbeat is put under: null or empty for none. Other members say nothing. */
export function parseCorrection(
  sent: Readonly<Record<string, unknown>>,
): { readonly project: string | null } | Refusal {
  if (!Object.hasOwn(sent, 'project')) return refuse('ERR_HEARTBEAT_MISSING', 'project')
  return unlessMemberRefused(() => ({
    project: optionalText(sent['project'], 'project', fields.project.max),
  }))
}

function unlessMemberRefused<T>(read: () => T): T | Refusal {
  try {
    return read()
  } catch (error) {
    if (error instanceof MemberRefused) return error.refusal
    throw error
  }
}

/** Carries a refusal out of the member readers; never leaves this file. */
class MemberRefused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

function readMembers(
  sent: Readonly<Record<string, unknown>>,
  headers: HeartbeatHeaders,
  now: number,
): ParsedHeartbeat {
  const userAgent = optionalText(sent['user_agent'], 'user_agent', fields.userAgent.max)
  return {
    time: readTime(sent['time'], now),
    entity:
      optionalText(sent['entity'], 'entity', fields.entity.max) ?? fail('ERR_HEARTBEAT_MISSING', 'entity'),
    type: readType(sent['type']),
    category: readCategory(sent['category']),
    language: optionalText(sent['language'], 'language', fields.language.max),
    project: optionalText(sent['project'], 'project', fields.project.max),
    branch: optionalText(sent['branch'], 'branch', fields.branch.max),
    machine: headerText(headers.machine, fields.machine.max),
    timeZone: headerText(headers.timeZone, fields.timeZone.max),
    userAgent: userAgent ?? headerText(headers.userAgent, fields.userAgent.max),
    dependencies: readDependencies(sent['dependencies']),
    isWrite: readBoolean(sent['is_write'], 'is_write'),
    lines: readCount(sent['lines'], 'lines', fields.lines.range),
    lineNumber: readCount(sent['lineno'], 'lineno', fields.lineNumber.range),
    cursorPosition: readCount(sent['cursorpos'], 'cursorpos', fields.cursorPosition.range),
  }
}

function fail(code: RefusalCode, member: string): never {
  throw new MemberRefused(refuse(code, member))
}

function readTime(value: unknown, now: number): Date {
  if (value === undefined || value === null) fail('ERR_HEARTBEAT_MISSING', 'time')
  const seconds = typeof value === 'string' && /^\d{1,12}(\.\d{1,9})?$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) fail('ERR_HEARTBEAT_TYPE', 'time')
  const ms = Math.round(seconds * 1000)
  if (ms < now - OLDEST_MS) fail('ERR_HEARTBEAT_TOO_OLD', 'time')
  if (ms > now + NEWEST_MS) fail('ERR_HEARTBEAT_TOO_NEW', 'time')
  return new Date(ms)
}

function readType(value: unknown): ParsedHeartbeat['type'] {
  if (value === undefined || value === null || value === '') return 'file'
  if (typeof value !== 'string') fail('ERR_HEARTBEAT_TYPE', 'type')
  return ENTITY_TYPES.find((type) => type === value) ?? fail('ERR_HEARTBEAT_CHOICE', 'type')
}

function readCategory(value: unknown): ParsedHeartbeat['category'] {
  const text = optionalText(value, 'category', fields.language.max)
  return CATEGORIES.find((category) => category === text) ?? null
}

function optionalText(value: unknown, member: string, max: number | null): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') fail('ERR_HEARTBEAT_TYPE', member)
  return checkText(value, member, max ?? 0)
}

function checkText(value: string, member: string, max: number): string {
  if (value.length > max) fail('ERR_HEARTBEAT_LENGTH', member)
  if (value.includes('\0') || !value.isWellFormed()) fail('ERR_HEARTBEAT_TEXT', member)
  return value
}

/** Header values are bytes; clients write UTF-8 into them, Node hands them out as Latin-1. */
function headerText(value: string | null, max: number | null): string | null {
  if (value === null || value.length > (max ?? 0) * 4) return null
  const text = Buffer.from(value, 'latin1').toString('utf8').trim()
  const readable = /\uFFFD/.test(text) ? value.trim() : text
  return readable.length > 0 && readable.length <= (max ?? 0) && !readable.includes('\0') ? readable : null
}

function readDependencies(value: unknown): string[] | null {
  if (value === undefined || value === null || value === '') return null
  const list: unknown = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value
  if (!Array.isArray(list)) fail('ERR_HEARTBEAT_TYPE', 'dependencies')
  if (list.length > (fields.dependencies.max ?? 0)) fail('ERR_HEARTBEAT_LENGTH', 'dependencies')
  return list.map((name: unknown) => {
    if (typeof name !== 'string') fail('ERR_HEARTBEAT_TYPE', 'dependencies')
    return checkText(name, 'dependencies', fields.dependencies.itemMax ?? 0)
  })
}

function readBoolean(value: unknown, member: string): boolean | null {
  if (value === undefined || value === null || value === '') return null
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  return fail('ERR_HEARTBEAT_TYPE', member)
}

function readCount(
  value: unknown,
  member: string,
  range: { min: number; max: number } | null,
): number | null {
  if (value === undefined || value === null || value === '') return null
  const count = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof count !== 'number' || !Number.isSafeInteger(count)) fail('ERR_HEARTBEAT_TYPE', member)
  if (range && (count < range.min || count > range.max)) fail('ERR_HEARTBEAT_RANGE', member)
  return count + 0
}

/**
 * Undeclared members under names that are safe to count by. A name that looks like a column of ours
 * is no way in: it counts as `other`, as does one that is no plain word.
 */
function collectUndeclared(
  sent: Readonly<Record<string, unknown>>,
  heartbeat: ParsedHeartbeat,
): Record<string, unknown> {
  const undeclared: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(sent)) {
    if (READ.has(name)) continue
    const ours = Object.hasOwn(fields, name) || name === 'id' || name === 'createdAt'
    undeclared[!ours && /^[a-z][a-z0-9_-]{0,39}$/i.test(name) ? name : 'other'] = value
  }
  const category = sent['category']
  if (heartbeat.category === null && typeof category === 'string' && category !== '') {
    undeclared['category_unknown'] = category
  }
  return undeclared
}
