import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64, toBase64, utf8 } from '../kernel/index.ts'
import {
  cosign,
  findSignatureLine,
  formatWitnessKey,
  parseWitnessKey,
  readCosignatures,
} from './cosignature.ts'
import { formatVerifierKey, parseVerifierKey, signNote } from './note.ts'
import { createSigner, createWitnessSigner, ORIGIN } from './testing/memory-site.ts'

const log = createSigner()
const witness = createWitnessSigner('witness.example/w1')
const other = createWitnessSigner('witness.example/w2')
const TEXT = `${ORIGIN}\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n`
const AT = 1_679_315_147_000
const note = await signNote(TEXT, log)
const line = await cosign(TEXT, witness, AT)
const code = (name: string): unknown => expect.objectContaining({ code: name })

describe('the keys of witnesses', () => {
  test('survive the way there and back, and are not taken for a log’s', () => {
    const text = formatWitnessKey(witness.key)
    expect(parseWitnessKey(`${text}\n`)).toEqual(witness.key)
    expect(() => parseVerifierKey(text)).toThrow(code('ERR_VERIFY_VKEY'))
    expect(() => parseWitnessKey(formatVerifierKey(log.key))).toThrow(code('ERR_VERIFY_VKEY'))
  })
})

describe('a cosigned checkpoint', () => {
  test('shows which of the known witnesses signed, and when', async () => {
    const both = utf8(note + (await cosign(TEXT, other, AT + 5_000)) + line)
    expect(await readCosignatures(both, [witness.key])).toEqual([{ key: witness.key, atMs: AT }])
    expect(await readCosignatures(both, [witness.key, other.key])).toHaveLength(2)
    expect(await readCosignatures(utf8(note), [witness.key])).toEqual([])
  })

  test('counts the newest of several cosignatures of one witness', async () => {
    const later = await cosign(TEXT, witness, AT + 60_000)
    const found = await readCosignatures(utf8(note + later + line), [witness.key])
    expect(found).toEqual([{ key: witness.key, atMs: AT + 60_000 }])
  })

  test('is refused with a cosignature of another text, time or key', async () => {
    const elsewhere = await cosign(TEXT.replace('\n7\n', '\n8\n'), witness, AT)
    const bytes = fromBase64(line.trimEnd().split(' ')[2]!)!
    const dated = line.replace(toBase64(bytes), toBase64(bytes.with(11, bytes[11]! ^ 1)))
    const posed = await cosign(TEXT, { key: witness.key, sign: other.sign }, AT)
    for (const wrong of [elsewhere, dated, posed]) {
      await expect(readCosignatures(utf8(note + wrong), [witness.key])).rejects.toThrow(
        code('ERR_VERIFY_SIGNATURE'),
      )
    }
  })

  test('is refused whatever bit of the cosignature is flipped', async () => {
    const bytes = fromBase64(line.trimEnd().split(' ')[2]!)!
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 32, max: bytes.length * 8 - 1 }), async (bit) => {
        const at = bit >> 3
        const flipped = toBase64(bytes.with(at, bytes[at]! ^ (1 << (bit & 7))))
        const wrong = utf8(note + line.replace(toBase64(bytes), flipped))
        await expect(readCosignatures(wrong, [witness.key])).rejects.toThrow(code('ERR_VERIFY_SIGNATURE'))
      }),
      { numRuns: 60 },
    )
  })

  test('is refused with a plain note signature in the place of the cosignature', async () => {
    const plain = await signNote(TEXT, { key: witness.key, sign: witness.sign })
    await expect(readCosignatures(utf8(plain), [witness.key])).rejects.toThrow(code('ERR_VERIFY_SIGNATURE'))
  })
})

describe('what a witness answers', () => {
  test('is searched for its own line', async () => {
    const lines = (await cosign(TEXT, other, AT)) + line
    expect(findSignatureLine(lines, witness.key)).toBe(line)
    expect(findSignatureLine(await cosign(TEXT, other, AT), witness.key)).toBeNull()
  })

  test.each(['', 'nonsense\n', '<html>\n', line.trimEnd(), `${line}\n`])('is refused as %j', (lines) => {
    expect(() => {
      const found = findSignatureLine(lines, other.key)
      if (found === null) throw new TypeError('not refused')
    }).toThrow(code('ERR_VERIFY_NOTE'))
  })

  test('never makes a cosigner sign what is no checkpoint', async () => {
    await expect(cosign('anything\n', witness, AT)).rejects.toThrow(code('ERR_VERIFY_CHECKPOINT'))
  })
})
