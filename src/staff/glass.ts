import { createHash } from 'node:crypto'
import { grantDigest, type Grant } from '../access/index.ts'
import { SuretyError, toHex } from '../kernel/index.ts'
import { readGrant, type Decision } from './grant-records.ts'
import type { StaffPorts } from './ports.ts'

export type Verdict = 'justified' | 'unjustified'

/**
 * A break-glass grant that is not settled: its review is `due` or `overdue`, or found it `unjustified` and
 * nobody has written down what followed; or it is `lost`: its mark stands, and its row is gone or does not open.
 */
export interface GlassCase {
  /** Id of the grant. */
  readonly grant: string
  readonly state: 'due' | 'overdue' | 'unjustified' | 'lost'
  /** Unix milliseconds. */
  readonly reviewBy: number
}

/** What stands outside the database of a grant that was opened without approval. */
interface GlassMark {
  readonly grant: string
  readonly from: number
  readonly reviewBy: number
  readonly verdict: Verdict | null
}

type Ports = Pick<StaffPorts, 'marks' | 'data' | 'clock'>

/** Shorter than rows of grants are kept, so that a row’s own end never looks like a loss. */
const MARK_LASTS_MS = 360 * 86_400_000

/** Says that the glass was broken; false where this very grant was opened before. */
export function markBroken({ marks }: Ports, grant: Grant, id: string, reviewBy: number): Promise<boolean> {
  const mark: GlassMark = { grant: id, from: grant.from, reviewBy, verdict: null }
  return marks.set('glass', digestOf(grant), mark)
}

export async function isMarkedBroken({ marks }: Ports, grant: Grant): Promise<boolean> {
  return (await marks.read('glass', digestOf(grant))) !== null
}

/** The first verdict stands: a review whose row was put back in SQL is not made anew. */
export async function markReviewed({ marks }: Ports, grant: Grant, verdict: Verdict): Promise<void> {
  const mark = (await marks.read('glass', digestOf(grant))) as GlassMark | null
  if (mark?.verdict === null) await marks.replace('glass', digestOf(grant), { ...mark, verdict })
}

/** The verdict that was given, also where the row says nothing of it any more. */
export async function markedVerdict({ marks }: Ports, grant: Grant): Promise<Verdict | null> {
  const mark = (await marks.read('glass', digestOf(grant))) as GlassMark | null
  return mark?.verdict ?? null
}

/** Every break-glass grant that is not settled, by what stands outside the database. */
export async function glassCases(ports: Ports): Promise<GlassCase[]> {
  const { marks, clock } = ports
  const cases: GlassCase[] = []
  for (const name of await marks.names('glass')) {
    const mark = (await marks.read('glass', name)) as GlassMark | null
    if (!mark) continue
    if (mark.from + MARK_LASTS_MS <= clock.now()) await marks.remove('glass', name)
    else {
      const state = await stateOf(ports, mark)
      if (state) cases.push({ grant: mark.grant, reviewBy: mark.reviewBy, state })
    }
  }
  return cases.toSorted((one, other) => one.reviewBy - other.reviewBy)
}

async function stateOf({ data, clock }: Ports, mark: GlassMark): Promise<GlassCase['state'] | null> {
  const decisions = await decisionsOn(data, mark.grant)
  if (decisions === null) return 'lost'
  if (mark.verdict === 'unjustified')
    return decisions.some(({ what }) => what === 'acknowledged') ? null : 'unjustified'
  if (mark.verdict === 'justified') return null
  return mark.reviewBy <= clock.now() ? 'overdue' : 'due'
}

async function decisionsOn(data: Ports['data'], id: string): Promise<readonly Decision[] | null> {
  try {
    return (await readGrant(data('staff_grants'), id)).decisions
  } catch (error) {
    if (
      error instanceof SuretyError &&
      /^ERR_STAFF_GRANT$|^ERR_STORE_TAMPERED$|^ERR_ACCESS_GRANT$/.test(error.code)
    )
      return null
    throw error
  }
}

/** What a review signs: the grant, and what was said of it. */
export function reviewChallenge(grant: Grant, verdict: string): Uint8Array {
  return signedOver('surety/staff-review/1\n', grant, verdict)
}

/** What an acknowledgement signs: the grant, and the consequence in its words. */
export function acknowledgeChallenge(grant: Grant, consequence: string): Uint8Array {
  return signedOver('surety/staff-acknowledge/1\n', grant, consequence)
}

function signedOver(label: string, grant: Grant, words: string): Uint8Array {
  return createHash('sha256').update(label).update(grantDigest(grant)).update(words).digest()
}

function digestOf(grant: Grant): string {
  return toHex(grantDigest(grant))
}
