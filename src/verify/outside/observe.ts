import { fromUtf8 } from '../../kernel/index.ts'
import { LIMITS } from '../limits.ts'
import { createSource } from '../source.ts'
import type { Fetch } from '../source.ts'
import type { PromiseStanding } from '../status.ts'
import { gradeHeaders, type HeaderSample } from './headers.ts'
import { readSecurityTxt } from './security-txt.ts'

/** What a stranger saw of a promise that can be seen without the operator's help. */
export interface OutsideFinding {
  readonly key: string
  /** Null when what was seen agrees with the promise. */
  readonly problem: string | null
  readonly observed: string
}

export interface OutsideOptions {
  readonly fetch: Fetch
  readonly url: string
  /** Unix milliseconds. */
  readonly now: number
  readonly standings: readonly PromiseStanding[]
}

type Observation = Omit<OutsideFinding, 'key'>
type Observe = (options: OutsideOptions) => Promise<Observation>

const OBSERVATIONS: Readonly<Record<string, Observe>> = {
  'guard.headers': observeHeaders,
  'disclosure.contact': observeSecurityTxt,
}

/** Checks again, from here, every promise in force that is marked `checkedBy: outside`. */
export async function observeFromOutside(options: OutsideOptions): Promise<OutsideFinding[]> {
  const findings: OutsideFinding[] = []
  for (const { claim, withdrawnAt } of options.standings) {
    const observe = OBSERVATIONS[claim.id]
    if (!observe || claim.checkedBy !== 'outside' || withdrawnAt !== null) continue
    findings.push({ key: claim.key, ...(await observe(options).catch(unreachable)) })
  }
  return findings
}

function unreachable(): Observation {
  return { problem: 'the site did not answer', observed: '' }
}

const PATHS = ['/', '/security', '/security/data']

async function observeHeaders({ fetch, url }: OutsideOptions): Promise<Observation> {
  const samples: HeaderSample[] = []
  for (const path of [...PATHS, ...PATHS]) {
    const { headers, status, body } = await fetch(new URL(path, url).href, {
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMITS.requestTimeoutMs),
    })
    await body?.cancel()
    // The front page may lead elsewhere; the headers of a redirect say nothing of the page behind it.
    if (path !== '/' && status !== 200) return { problem: `${path} answers ${status}`, observed: '' }
    samples.push({ path, secure: url.startsWith('https:'), headers })
  }
  const [first] = gradeHeaders(samples)
  return {
    problem: first ? `${first.path}: ${first.rule} ${first.problem}` : null,
    observed: `${PATHS.length} pages keep every rule`,
  }
}

async function observeSecurityTxt({ fetch, url, now }: OutsideOptions): Promise<Observation> {
  const bytes = await createSource(fetch, url).get('/.well-known/security.txt', LIMITS.maxSecurityTxtBytes)
  if (bytes === null) return { problem: 'there is no security.txt', observed: '' }
  const read = readSecurityTxt(fromUtf8(bytes), now)
  if (!read.ok) return { problem: read.problem, observed: '' }
  return { problem: null, observed: `security.txt names ${read.file.contacts[0]}` }
}
