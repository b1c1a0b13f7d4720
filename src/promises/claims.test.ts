import { describe, expect, test } from 'vitest'
import {
  catalogue,
  checkLink,
  claimOf,
  PLANNED_PROMISES,
  reconcileClaims,
  type PromiseLink,
} from './index.ts'
import { config } from './testing.ts'

function link(id: string, params: Record<string, string> = {}, sentence = 'We do this.'): PromiseLink {
  const query = new URLSearchParams(params).toString()
  return { key: query ? `${id}?${query}` : id, id, params, sentence }
}

describe('claimOf', () => {
  test('says what the probe cannot prove, the operator’s own hand first', () => {
    const claim = claimOf(link('encryption.rest', { scope: 'personal' }), config)
    expect(claim).toMatchObject({
      probe: 'encryption.rest@1',
      cadenceSeconds: 6 * 3_600,
      evidence: 'measured',
    })
    expect(claim.cannotProve[0]).toContain("operator's own system")
    expect(claim.cannotProve.join(' ')).toContain('people.seen')
  })

  test('declares a promise without a mechanism, and leaves it without a probe', () => {
    expect(claimOf(link('sdlc.code-review'), config)).toMatchObject({ probe: null, cadenceSeconds: null })
  })

  test('refuses an id that the catalogue does not have', () => {
    for (const id of ['encryption.everything', 'toString', '__proto__']) {
      expect(() => claimOf(link(id), config)).toThrow(
        expect.objectContaining({ code: 'ERR_PROMISE_UNKNOWN' }),
      )
    }
  })

  test.each([{ scope: 'some' }, { scop: 'all' }])(
    'refuses the parameters %j',
    (params: Record<string, string>) => {
      expect(() => claimOf(link('encryption.rest', params), config)).toThrow(
        expect.objectContaining({ code: 'ERR_PROMISE_PARAMETERS' }),
      )
    },
  )
})

describe('the catalogue', () => {
  test('names every promise once, by what it is or by what it will be', () => {
    for (const id of catalogue.keys()) expect(PLANNED_PROMISES).not.toHaveProperty([id])
    expect(catalogue.size).toBeGreaterThanOrEqual(9)
  })

  test('gives each its own id, a cadence and something it cannot prove', () => {
    for (const [id, definition] of catalogue) {
      expect(definition.id).toBe(id)
      expect(definition.cannotProve(config, definition.parameters.parse({})).length).toBeGreaterThan(0)
      expect(claimOf(link(id), config).cadenceSeconds).toBeGreaterThan(0)
    }
  })
})

describe('checkLink', () => {
  test('finds what the configuration lacks, and names the key', () => {
    expect(checkLink(link('disclosure.contact'), config)).toMatchObject([{ key: 'disclosure.contact' }])
    expect(checkLink(link('encryption.rest', { scope: 'all' }), config)).toMatchObject([
      { key: 'resources.people.seen' },
    ])
    expect(checkLink(link('encryption.rest', { scope: 'personal' }), config)).toEqual([])
  })
})

describe('reconcileClaims', () => {
  const rest = claimOf(link('encryption.rest', { scope: 'personal' }), config)
  const contact = claimOf(link('disclosure.contact'), config)

  test('writes nothing where nothing changed', () => {
    expect(reconcileClaims([rest, contact], [contact, rest])).toEqual([])
  })

  test('declares what is new and withdraws what is gone', () => {
    expect(reconcileClaims([rest], [contact])).toEqual([
      { kind: 'promise.declared', promise: rest },
      { kind: 'promise.withdrawn', key: contact.key },
    ])
  })

  test('shows new words as a change, not as a new promise', () => {
    const reworded = { ...rest, sentence: 'We seal it.' }
    expect(reconcileClaims([reworded], [rest])).toMatchObject([
      { kind: 'promise.changed', direction: 'reworded' },
    ])
  })

  test('shows smaller parameters as a weakening, greater ones as a strengthening', () => {
    const all = claimOf(link('encryption.rest', { scope: 'all' }), config)
    expect(reconcileClaims([rest], [all])).toMatchObject([
      { kind: 'promise.changed', previous: all.key, promise: rest, direction: 'weakened' },
    ])
    expect(reconcileClaims([all], [rest])).toMatchObject([{ direction: 'strengthened' }])
  })

  test('shows a longer cadence, or a probe that is gone, as a weakening', () => {
    const slower = { ...rest, cadenceSeconds: rest.cadenceSeconds! * 2 }
    const unmeasured = { ...rest, probe: null, cadenceSeconds: null }
    expect(reconcileClaims([slower], [rest])).toMatchObject([{ direction: 'weakened' }])
    expect(reconcileClaims([rest], [slower])).toMatchObject([{ direction: 'strengthened' }])
    expect(reconcileClaims([unmeasured], [rest])).toMatchObject([{ direction: 'weakened' }])
    expect(reconcileClaims([rest], [unmeasured])).toMatchObject([{ direction: 'strengthened' }])
  })

  test('shows a word in place of a measurement, and a check that nobody outside can repeat, as a weakening', () => {
    const attested = { ...rest, evidence: 'attested' as const }
    expect(reconcileClaims([attested], [rest])).toMatchObject([{ direction: 'weakened' }])
    expect(reconcileClaims([rest], [attested])).toMatchObject([{ direction: 'strengthened' }])
    expect(contact.checkedBy).toBe('outside')
    expect(reconcileClaims([{ ...contact, checkedBy: 'self' }], [contact])).toMatchObject([
      { direction: 'weakened' },
    ])
  })
})
