import { readFile } from 'node:fs/promises'
import type { HeartbeatStore } from './heartbeat-store.ts'
import { DAY_MS } from './metrics/calendar.ts'
import { KEYSTROKE_TIMEOUT_MS } from './metrics/spans.ts'
import type { Person } from './people.ts'
import { parseHeartbeat, type Accepted } from './wakatime/heartbeat.ts'

/** Heartbeats of the long walk on each of the last days, today first. */
const WALK_PER_DAY = [14, 26, 19, 0, 31, 22, 18]
/** Heartbeats of the offline flush on each of the last days. */
const FLUSH_PER_DAY = [0, 9, 0, 0, 0, 16, 0]
/** The walk's gaps were generated, about a minute long; four times that fills a working day better. */
const STRETCH = 4
const FLUSH_GAP_SECONDS = 120
const HEADERS = { machine: 'ada-thinkpad', timeZone: 'Etc/UTC', userAgent: null }

type Sent = Record<string, unknown> & { readonly time: number }

/** Captured heartbeats with their times moved into the last days: see `seed/README.md`. */
export async function seededHeartbeats(now: number): Promise<Accepted[]> {
  const walk = withGaps(await readSeed('heartbeats.json'), (gap) =>
    gap * 1000 > KEYSTROKE_TIMEOUT_MS ? gap : gap * STRETCH,
  )
  const flush = withGaps(await readSeed('offline-flush.json'), () => FLUSH_GAP_SECONDS)
  return [...dealOut(walk, WALK_PER_DAY, now), ...dealOut(flush, FLUSH_PER_DAY, now - 4 * 3_600_000)].map(
    (sent) => {
      const result = parseHeartbeat(sent, HEADERS, now)
      if ('code' in result) throw new TypeError(`a seed heartbeat is refused: ${result.code}`)
      return result
    },
  )
}

/** Gives a new person of the demo a week of time. */
export async function seedDemo(store: HeartbeatStore, person: Person, now: number): Promise<number> {
  const accepted = await seededHeartbeats(now)
  await store.add(person, accepted)
  return accepted.length
}

async function readSeed(name: string): Promise<Sent[]> {
  return JSON.parse(await readFile(new URL(`../seed/${name}`, import.meta.url), 'utf8')) as Sent[]
}

/** The same heartbeats from time 0, each gap as `gapOf` makes it, in seconds. */
function withGaps(beats: readonly Sent[], gapOf: (gap: number) => number): Sent[] {
  const ordered = beats.toSorted((a, b) => a.time - b.time)
  let time = 0
  return ordered.map((beat, i) => {
    if (i > 0) time += gapOf(beat.time - ordered[i - 1]!.time)
    return { ...beat, time }
  })
}

/** Cuts the heartbeats into days; each day's part ends at the same time of day as `now`, less a minute. */
function dealOut(beats: readonly Sent[], perDay: readonly number[], now: number): Sent[] {
  let at = 0
  return perDay.flatMap((count, daysAgo) => {
    const part = beats.slice(at, (at += count))
    const shift = (now - 60_000 - daysAgo * DAY_MS) / 1000 - (part.at(-1)?.time ?? 0)
    return part.map((beat) => ({ ...beat, time: beat.time + shift }))
  })
}
