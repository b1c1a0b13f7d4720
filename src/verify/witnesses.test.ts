import { beforeEach, describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../kernel/index.ts'
import { cosign, formatWitnessKey } from './cosignature.ts'
import type { WitnessSigner } from './cosignature.ts'
import { formatVerifierKey, parseNote } from './note.ts'
import { exitCodeOf } from './report.ts'
import type { VerificationReport } from './report.ts'
import { createWitnessSigner, MemorySite, NOW } from './testing/memory-site.ts'

const witness = createWitnessSigner('witness.example/w1')
const vkey = formatWitnessKey(witness.key)
const witnesses = [vkey]

let site: MemorySite
beforeEach(async () => {
  site = await new MemorySite().declare('a.promise').check('a.promise', 'kept').publish()
})

/** The site's present checkpoint, cosigned. */
async function cosigned(signer: WitnessSigner = witness, atMs = NOW): Promise<string> {
  const note = await site.checkpointOf(site.leaves)
  return note + (await cosign(parseNote(utf8(note)).text, signer, atMs))
}

async function serveNewest(note: string): Promise<void> {
  site.put('checkpoint', utf8(note))
}

async function serveEarlier(note: string): Promise<void> {
  site.put(`witnessed/${toHex(witness.key.keyId)}`, utf8(note))
}

const codes = (report: VerificationReport): string[] => report.problems.map(({ code }) => code)

describe('a log that must be witnessed', () => {
  test('is valid when the witness has cosigned its checkpoint', async () => {
    await serveNewest(await cosigned())
    const report = await site.verify({ witnesses })
    expect(report).toMatchObject({ valid: true, problems: [] })
    expect(report.witnesses).toEqual([
      { name: 'witness.example/w1', vkey, size: 4, cosignedAt: new Date(NOW).toISOString() },
    ])
  })

  test('is refused without a cosignature, and with one of somebody else', async () => {
    expect(codes(await site.verify({ witnesses }))).toEqual(['ERR_VERIFY_UNWITNESSED'])
    await serveNewest(await cosigned(createWitnessSigner('witness.example/w1')))
    const report = await site.verify({ witnesses })
    expect([codes(report), exitCodeOf(report)]).toEqual([['ERR_VERIFY_UNWITNESSED'], 3])
  })

  test('may be ahead of its witness for a moment, which is waited for', async () => {
    await serveEarlier(await cosigned())
    site.atMs = NOW - 31_000
    await site.check('a.promise', 'kept').publish()
    const waits: number[] = []
    const pause = async (ms: number): Promise<void> => {
      if (waits.push(ms) === 3) await serveEarlier(await cosigned())
    }
    const report = await site.verify({ witnesses, pause })
    expect(report).toMatchObject({ valid: true, witnesses: [{ size: 6 }] })
    expect(waits).toEqual([1_000, 1_000, 1_000])
  })

  test('is refused when its witness does not see the newest entries, however young they say they are', async () => {
    await serveEarlier(await cosigned(witness, NOW - 86_400_000))
    site.atMs = NOW - 2_000
    await site.check('a.promise', 'kept').publish()
    let waits = 0
    const pause = async (): Promise<void> => void waits++
    expect(codes(await site.verify({ witnesses, pause }))).toEqual(['ERR_VERIFY_UNWITNESSED'])
    expect(waits).toBe(20)
  })

  test('is refused when only its page shows entries that the witness has not seen', async () => {
    const before = await cosigned()
    await site.check('a.promise', 'kept').publish()
    await serveEarlier(before)
    let asked = 0
    const report = await site.verify({
      witnesses,
      pause: async () => {},
      fetch: async (url) =>
        url.endsWith('/checkpoint') && asked++ === 0 ? new Response(before) : site.fetch(url),
    })
    expect(codes(report)).toEqual(['ERR_VERIFY_UNWITNESSED'])
  })

  test('is refused unless each witness has seen all that another one has', async () => {
    const other = createWitnessSigner('witness.example/w2')
    const both = [vkey, formatWitnessKey(other.key)]
    const before = site.files.get('/.well-known/surety/evidence/checkpoint')!
    await serveEarlier(await cosigned())
    await site.check('a.promise', 'kept').publish()
    const after = site.files.get('/.well-known/surety/evidence/checkpoint')!
    site.put(`witnessed/${toHex(other.key.keyId)}`, utf8(await cosigned(other)))
    let asked = 0
    const report = await site.verify({
      witnesses: both,
      pause: async () => {},
      fetch: async (url) => {
        if (!url.endsWith('/checkpoint')) return site.fetch(url)
        return new Response((asked++ === 0 ? before : after).slice())
      },
    })
    expect(codes(report)).toEqual(['ERR_VERIFY_UNWITNESSED'])
  })

  /** What the site's key signed, and the witness cosigned, of other entries than those shown. */
  async function cosignedElsewhere(leaves: Uint8Array[]): Promise<string> {
    const note = await site.checkpointOf(leaves)
    return note + (await cosign(parseNote(utf8(note)).text, witness, NOW))
  }

  test('is refused when the witness has cosigned another log of the same key', async () => {
    await serveEarlier(await cosignedElsewhere(site.leaves.with(-1, utf8('another result'))))
    expect(codes(await site.verify({ witnesses }))).toEqual(['ERR_VERIFY_FORK'])
  })

  test('is refused when its witness has seen more of it than it shows', async () => {
    await serveEarlier(await cosignedElsewhere([...site.leaves, utf8('hidden')]))
    expect(codes(await site.verify({ witnesses }))).toEqual(['ERR_VERIFY_ROLLBACK'])
  })

  test('may grow, and be cosigned, while it is being verified', async () => {
    const before = site.files.get('/.well-known/surety/evidence/checkpoint')!
    await site.check('a.promise', 'kept').publish()
    await serveEarlier(await cosigned())
    const after = site.files.get('/.well-known/surety/evidence/checkpoint')!
    let asked = 0
    const report = await site.verify({
      witnesses,
      fetch: async (url) => {
        if (!url.endsWith('/checkpoint')) return site.fetch(url)
        return new Response((asked++ === 0 ? before : after).slice())
      },
    })
    expect(report).toMatchObject({ valid: true, checkpoint: { size: 6 } })
    expect(report.witnesses[0]?.size).toBe(6)
  })

  test('is refused with a cosignature from the future, or one that does not verify', async () => {
    await serveNewest(await cosigned(witness, NOW + 400_000))
    expect(codes(await site.verify({ witnesses }))).toEqual(['ERR_VERIFY_SIGNATURE'])
    await serveNewest(await cosigned({ key: witness.key, sign: createWitnessSigner('x').sign }))
    expect(codes(await site.verify({ witnesses }))).toEqual(['ERR_VERIFY_SIGNATURE'])
  })

  test('must be witnessed at every later visit, because the state remembers', async () => {
    await serveNewest(await cosigned())
    const { state } = await site.verify({ witnesses })
    expect(state?.witnesses).toEqual(witnesses)
    await site.publish()
    expect(codes(await site.verify({ state }))).toEqual(['ERR_VERIFY_UNWITNESSED'])
  })

  test('cannot be verified with an unreadable key, and nobody is blamed', async () => {
    const report = await site.verify({ witnesses: [formatVerifierKey(site.signer.key)] })
    expect([report.failure?.code, exitCodeOf(report)]).toEqual(['ERR_VERIFY_RUN_VKEY', 2])
  })
})

describe('a page that names its witnesses', () => {
  const claim = (note: string, vkeys: string[]) => (page: object) =>
    Object.assign(page, {
      checkpoint: note,
      witnessed: true,
      witnesses: vkeys.map((each) => ({ vkey: each })),
    })

  test('is believed when they have signed; the reader learns whom to ask for', async () => {
    const note = await cosigned()
    await site.publishPage(claim(note, [vkey]))
    const report = await site.verify()
    expect(report.problems).toEqual([])
    expect(report.notes.join()).toContain(`--witness`)
    await serveNewest(note)
    expect((await site.verify({ witnesses })).notes.join()).not.toContain('--witness')
  })

  test('is refused when one of them has not, or has a key that cannot be read', async () => {
    const absent = formatWitnessKey(createWitnessSigner('witness.example/w2').key)
    for (const vkeys of [[absent], [vkey, absent], ['nonsense']]) {
      await site.publishPage(claim(await cosigned(), vkeys))
      expect(codes(await site.verify())).toEqual(['ERR_VERIFY_PAGE_CLAIM'])
    }
  })
})
