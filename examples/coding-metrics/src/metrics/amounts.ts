import { editorOf, systemOf } from '../wakatime/user-agent.ts'
import type { Beat, Span } from './spans.ts'

/** A length of time in every form the WakaTime API gives it. */
export interface Amount {
  readonly total_seconds: number
  readonly digital: string
  readonly decimal: string
  readonly text: string
  readonly hours: number
  readonly minutes: number
}

/** Time on one named thing, and its share of the whole in percent. */
export interface Slice extends Amount {
  readonly name: string
  readonly percent: number
  readonly seconds: number
}

/** `12345.6` seconds as `{ digital: '3:25', text: '3 hrs 25 mins', … }`. */
export function amountOf(seconds: number): Amount {
  const whole = Math.floor(seconds)
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  return {
    total_seconds: Math.round(seconds * 1000) / 1000,
    digital: `${hours}:${String(minutes).padStart(2, '0')}`,
    decimal: (whole / 3600).toFixed(2),
    text: textOf(hours, minutes, whole % 60),
    hours,
    minutes,
  }
}

function textOf(hours: number, minutes: number, seconds: number): string {
  const parts = [
    hours > 0 ? `${hours} hr${hours === 1 ? '' : 's'}` : '',
    minutes > 0 ? `${minutes} min${minutes === 1 ? '' : 's'}` : '',
  ].filter(Boolean)
  if (parts.length > 0) return parts.join(' ')
  return `${seconds} sec${seconds === 1 ? '' : 's'}`
}

/** What time can be divided by; `dependencies` counts a span once for each library. */
export const DIVISIONS = {
  projects: (beat) => [beat.project ?? 'Unknown project'],
  languages: (beat) => [beat.language ?? 'Other'],
  categories: (beat) => [capitalise(beat.category ?? 'coding')],
  branches: (beat) => [beat.branch ?? 'Unknown branch'],
  editors: (beat) => [editorOf(beat.userAgent) ?? 'Unknown editor'],
  operating_systems: (beat) => [systemOf(beat.userAgent) ?? 'Unknown system'],
  machines: (beat) => [beat.machine ?? 'Unknown machine'],
  entities: (beat) => [beat.entity],
  dependencies: (beat) => [...new Set(beat.dependencies ?? [])],
} as const satisfies Readonly<Record<string, (beat: Beat) => string[]>>

export type Division = keyof typeof DIVISIONS

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Time per name, greatest first, then by name. */
export function divide(spans: readonly Span[], division: Division): Slice[] {
  const totals = new Map<string, number>()
  let whole = 0
  for (const { start, end, beat } of spans) {
    whole += end - start
    for (const name of DIVISIONS[division](beat)) totals.set(name, (totals.get(name) ?? 0) + (end - start))
  }
  return [...totals]
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name, ms]) => sliceOf(name, ms / 1000, whole / 1000))
}

function sliceOf(name: string, seconds: number, whole: number): Slice {
  return {
    name,
    ...amountOf(seconds),
    seconds: Math.floor(seconds) % 60,
    percent: whole === 0 ? 0 : Math.round((seconds / whole) * 10_000) / 100,
  }
}
