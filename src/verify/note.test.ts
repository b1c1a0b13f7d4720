import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64, toBase64, utf8 } from '../kernel/index.ts'
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { createHashTree } from './hash-tree.ts'
import { hashLeaf, makeInclusionProof } from './merkle.ts'
import {
  createVerifierKey,
  formatVerifierKey,
  parseNote,
  parseVerifierKey,
  signNote,
  verifyNote,
} from './note.ts'
import type { NoteSigner } from './note.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts'

function createSigner(name: string): NoteSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = createVerifierKey(name, Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'))
  return { key, sign: async (bytes) => sign(null, bytes, privateKey) }
}

const log = createSigner('log.example/a')
const witness = createSigner('witness.example')
const TEXT = 'log.example/a\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
const code = (name: string): unknown => expect.objectContaining({ code: name })

describe('verifier keys', () => {
  test('survive the way there and back', () => {
    expect(parseVerifierKey(formatVerifierKey(log.key))).toEqual(log.key)
    expect(parseVerifierKey(`${formatVerifierKey(log.key)}\n`)).toEqual(log.key)
  })

  const good = formatVerifierKey(log.key)
  const [name, id, material] = good.split(/\+(.{8})\+/) as [string, string, string]
  const otherType = toBase64(fromBase64(material)!.with(0, 4))
  test.each([
    '',
    name,
    `${name}+${id}`,
    `${name}+${id.toUpperCase() === id ? '0000000a' : id.toUpperCase()}+${material}`,
    `other+${id}+${material}`,
    `${name}+00000000+${material}`,
    `${name}+${id}+${material.slice(0, -4)}`,
    `${name}+${id}+${otherType}`,
    ` ${good}`,
    `${good} `,
    `${good}\n\n`,
    `a b${good}`,
    good + 'A'.repeat(1024),
  ])('refuses %j', (text) => expect(() => parseVerifierKey(text)).toThrow(code('ERR_VERIFY_VKEY')))

  test('refuses names with spaces or plus', () => {
    for (const bad of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u2003b', 'a\nb']) {
      expect(() => createVerifierKey(bad, new Uint8Array(32))).toThrow(code('ERR_VERIFY_VKEY'))
    }
  })
})

describe('notes', () => {
  test('a signature of a known key is enough; others are ignored, whatever they say', async () => {
    const note = await signNote(TEXT, log)
    const extra = `— unknown.example ${toBase64(new Uint8Array(70))}\n— log.example/a ${toBase64(new Uint8Array(68))}\n`
    expect((await verifyNote(utf8(note + extra), [log.key])).text).toBe(TEXT)
    const both = note + (await signNote(TEXT, witness)).slice(TEXT.length + 1)
    expect((await verifyNote(utf8(both), [log.key, witness.key])).signedBy).toEqual([log.key, witness.key])
  })

  test('one bad signature of a known key refuses the note, however many good ones stand beside it', async () => {
    const note = await signNote(TEXT, log)
    const bad = (await signNote('another text\n', witness)).slice('another text\n'.length + 1)
    await expect(verifyNote(utf8(note + bad), [log.key, witness.key])).rejects.toThrow(
      code('ERR_VERIFY_SIGNATURE'),
    )
  })

  test('a note that no known key signed is refused', async () => {
    await expect(verifyNote(utf8(await signNote(TEXT, witness)), [log.key])).rejects.toThrow(
      code('ERR_VERIFY_SIGNATURE'),
    )
  })

  test('a signature of the wrong length is refused', async () => {
    const id = toBase64(new Uint8Array([...log.key.keyId, 1, 2, 3]))
    await expect(verifyNote(utf8(`${TEXT}\n— log.example/a ${id}\n`), [log.key])).rejects.toThrow(
      code('ERR_VERIFY_SIGNATURE'),
    )
  })

  test('the text ends at the last empty line', async () => {
    const text = 'one\n\ntwo\n\n\nthree\n'
    expect((await verifyNote(utf8(await signNote(text, log)), [log.key])).text).toBe(text)
  })

  const line = `— a ${toBase64(new Uint8Array(68))}\n`
  test.each([
    ['no signature', 'text\n'],
    ['no empty line', `text\n${line}`],
    ['no final newline', `text\n\n${line.trimEnd()}`],
    ['a hyphen for the dash', `text\n\n${line.replace('—', '-')}`],
    ['a missing name', `text\n\n${line.replace('a ', '')}`],
    ['a plus in the name', `text\n\n${line.replace('a', 'a+')}`],
    ['a carriage return', `text\r\n\n${line}`],
    ['a NUL', `te\0xt\n\n${line}`],
    ['a tab', `te\txt\n\n${line}`],
    ['loose base64', `text\n\n${line.replace(/A+=*\n/, 'AAAAAAAAAB==\n')}`],
    ['65 signatures', `text\n\n${line.repeat(65)}`],
  ])('refuses %s', (_, note) => expect(() => parseNote(utf8(note))).toThrow(code('ERR_VERIFY_NOTE')))

  test('takes 64 signatures', () => {
    expect(parseNote(utf8(`text\n\n${line.repeat(64)}`)).signatures).toHaveLength(64)
  })

  test('refuses bytes that are no UTF-8, and too many of them', () => {
    expect(() => parseNote(Uint8Array.of(0xff, 10, 10))).toThrow(code('ERR_VERIFY_NOTE'))
    expect(() => parseNote(utf8(`${'x'.repeat(131_072)}\n\n${line}`))).toThrow(code('ERR_VERIFY_NOTE'))
  })

  test('never signs what would not read back as the same text', async () => {
    await expect(signNote('no newline', log)).rejects.toThrow(code('ERR_VERIFY_NOTE'))
    await expect(signNote('a\0b\n', log)).rejects.toThrow(code('ERR_VERIFY_NOTE'))
  })

  test('any one byte changed refuses the note', async () => {
    const note = utf8(await signNote(TEXT, log))
    await fc.assert(
      fc.asyncProperty(fc.nat(note.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        await expect(verifyNote(note.with(at, note[at]! ^ mask), [log.key])).rejects.toThrow()
      }),
    )
  })
})

describe('checkpoints', () => {
  test('read back as written; extension lines pass', () => {
    const checkpoint = parseCheckpoint(TEXT)
    expect(checkpoint).toMatchObject({ origin: 'log.example/a', size: 7 })
    expect(formatCheckpoint(checkpoint)).toBe(TEXT)
    expect(parseCheckpoint(`${TEXT}extension\n`)).toEqual(checkpoint)
  })

  test.each([
    TEXT.trimEnd(),
    TEXT.replace('7', '07'),
    TEXT.replace('7', '-7'),
    TEXT.replace('7', '7.0'),
    TEXT.replace('7', '9007199254740992'),
    TEXT.replace('7', '99999999999999999999'),
    TEXT.replace('log.example/a', ''),
    TEXT.replace('CsUY', 'CsU'),
    TEXT.replace('q2I=', 'q2J='),
    `${TEXT}\n`,
    'a\n1\n',
  ])('refuses %j', (text) => expect(() => parseCheckpoint(text)).toThrow(code('ERR_VERIFY_CHECKPOINT')))

  test('of another origin than the key’s are refused, though signed with it', async () => {
    const note = utf8(await signNote(TEXT.replace('/a', '/b'), log))
    await expect(openCheckpoint(note, log.key)).rejects.toThrow(code('ERR_VERIFY_ORIGIN'))
  })
})

describe('proofs (C2SP tlog-proof)', () => {
  const entries = Array.from({ length: 20 }, (_, i) => utf8(`entry ${i}`))
  const tree = createHashTree()
  for (const entry of entries) tree.append(hashLeaf(entry))
  const prove = async (index: number, extra?: Uint8Array): Promise<string> => {
    const checkpoint = await signNote(
      formatCheckpoint({ origin: 'log.example/a', size: 20, rootHash: tree.root() }),
      log,
    )
    const path = await makeInclusionProof(index, 20, tree.read)
    return formatTlogProof({ index, path, checkpoint, ...(extra && { extra }) })
  }

  test('prove their entry, with or without extra data', async () => {
    expect(await verifyTlogProof(await prove(11), entries[11]!, log.key)).toMatchObject({
      index: 11,
      checkpoint: { size: 20 },
    })
    const text = await prove(0, utf8('more'))
    expect(await verifyTlogProof(text, entries[0]!, log.key)).toMatchObject({ index: 0 })
    expect(parseTlogProof(text).extra).toEqual(utf8('more'))
    expect(formatTlogProof(parseTlogProof(text))).toBe(text)
  })

  test('prove no other entry, no other place, and nothing under another key', async () => {
    const text = await prove(11)
    await expect(verifyTlogProof(text, entries[12]!, log.key)).rejects.toThrow(code('ERR_VERIFY_PROOF'))
    await expect(
      verifyTlogProof(text.replace('index 11', 'index 10'), entries[11]!, log.key),
    ).rejects.toThrow(code('ERR_VERIFY_PROOF'))
    await expect(verifyTlogProof(text, entries[11]!, createSigner('log.example/a').key)).rejects.toThrow(
      code('ERR_VERIFY_SIGNATURE'),
    )
  })

  test.each([
    ['another version', 'proof@v1', 'proof@v2'],
    ['a leading zero', 'index 11', 'index 011'],
    ['no index', 'index 11\n', ''],
    ['no checkpoint', '\n\n', '\n'],
    ['a hash cut short', /\n.{43}=\n/, '\nAAAA\n'],
    ['spaces', 'index 11\n', 'index 11 \n'],
  ])('are refused with %s', async (_, from, to) => {
    const text = (await prove(11)).replace(from, to)
    expect(() => parseTlogProof(text)).toThrow(code('ERR_VERIFY_PROOF'))
  })
})
