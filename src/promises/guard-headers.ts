import { z } from 'zod'
import { gradeHeaders, HEADER_RULES, type HeaderSample } from '../verify/index.ts'
import { definePromise } from './definition.ts'
import { siteOf } from './site.ts'

/** Pages that every system serves, one that does not exist among them: errors need the headers too. */
const PATHS = ['/', '/security', '/security/data', '/security/history', '/there-is-no-such-page']

/** Security headers protect whoever visits. */
export const guardHeaders = definePromise({
  id: 'guard.headers',
  evidence: 'measured',
  checkedBy: 'outside',
  version: 1,
  cadence: '6h',
  parameters: z.strictObject({}),
  check: () => [],
  cannotProve: () => ['Pages that were not asked for, and what a browser too old for these headers does.'],

  async probe(context) {
    const site = siteOf(context)
    const samples: HeaderSample[] = []
    // Each twice: a nonce that comes back is no nonce.
    for (const path of [...PATHS, ...PATHS]) {
      const url = new URL(path, site)
      const { headers } = await fetch(url, { signal: context.signal, redirect: 'manual' })
      samples.push({ path, secure: url.protocol === 'https:', headers })
      context.progress(samples.length, PATHS.length * 2, 'answers graded')
    }
    const findings = gradeHeaders(samples)
    const [first] = findings
    const values = { pages: PATHS.length, rules: HEADER_RULES.length, findings: findings.length }
    if (first) {
      const summary = `${findings.length} findings on ${PATHS.length} pages; the first: ${first.path}: ${first.rule} ${first.problem}.`
      return { outcome: 'broken', summary, values }
    }
    return {
      outcome: 'kept',
      summary: `${PATHS.length} pages keep all ${HEADER_RULES.length} rules, each asked for twice.`,
      values,
    }
  },
})
