import { describeDuration } from '../kernel/index.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `22 Nov 2026, 00:20 UTC` of Unix milliseconds. */
export function absoluteTime(at: number): string {
  return `${absoluteDate(at)}, ${new Date(at).toISOString().slice(11, 16)} UTC`
}

/** `22 Nov 2026`, in UTC, of Unix milliseconds. */
export function absoluteDate(at: number): string {
  const date = new Date(at)
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** `12 minutes ago`, `in 3 hours`, `just now`; both times in Unix milliseconds. */
export function relativeTime(at: number, now: number): string {
  const distance = Math.abs(now - at)
  if (distance < 5_000) return 'just now'
  const words = describeDuration(distance)
  return at <= now ? `${words} ago` : `in ${words}`
}

/** How long ago or ahead, with the exact time in `datetime` and as a tooltip. */
export function timeAgo(at: number, now: number): Markup {
  return html`<time datetime="${new Date(at).toISOString()}" title="${absoluteTime(at)}"
    >${relativeTime(at, now)}</time
  >`
}

/** The exact time, readable, with `datetime`. */
export function exactTime(at: number): Markup {
  return html`<time datetime="${new Date(at).toISOString()}">${absoluteTime(at)}</time>`
}
