import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { encryptStringSync, generateKey, parseKeySync } from '@47ng/cloak'
import { field, resource } from '../../src/declare/index.ts'
import type { Resource } from '../../src/declare/index.ts'
import { canonicalBytes, createId, createPseudonym, systemClock } from '../../src/kernel/index.ts'
import { openRow, sealRow, type DataKey, type RowContext } from '../../src/keys/index.ts'
import { describeMachine, interleave, ratePerSecond, type Bench } from '../measure.ts'

const FIELDS = 8
const FIELD_BYTES = 100
const NAMES = Array.from({ length: FIELDS }, (_, i) => `field${i}`)

const records: Resource = resource({
  name: 'records',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'measure how fast rows are sealed',
  basis: 'contract',
  retention: 'account',
  fields: {
    personId: field.id(),
    teamId: field.id(),
    ...Object.fromEntries(NAMES.map((name) => [name, field.text('a sealed value', { max: 200 })])),
  },
})

/** Sealing rows of 8 fields of 100 bytes: one envelope per row, against other ways of doing it. */
export const seal: Bench = async ({ quick }) => {
  const rows = quick ? 20 : 5_000
  const rounds = quick ? 1 : 11
  const fields = rows * FIELDS
  const values = Object.fromEntries(NAMES.map((name) => [name, randomBytes(FIELD_BYTES / 2).toString('hex')]))
  const found = await interleave(rounds, {
    surety: () => ratePerSecond(fields, sealRows(rows, values)),
    cloak: () => ratePerSecond(fields, cloakRows(rows, values)),
    cipher: () => ratePerSecond(fields, cipherRows(rows, values)),
  })
  return {
    name: 'seal',
    ours: { fieldsPerSecond: found.surety },
    rivals: { cloakFieldsPerSecond: found.cloak, createCipherivFieldsPerSecond: found.cipher },
    ratios: { oursToCloak: found.surety / found.cloak, oursToCreateCipheriv: found.surety / found.cipher },
    rounds,
    machine: describeMachine(),
  }
}

function sealRows(rows: number, values: Record<string, string>): () => void {
  const key = createDataKey()
  const clear = { createdAt: new Date(systemClock.now()), personId: key.subject, teamId: key.tenant }
  const contexts = Array.from({ length: rows }, (): RowContext => ({
    resource: records,
    clear: { id: createId(systemClock), ...clear },
  }))
  requireOpens(key, contexts[0]!, values)
  return () => {
    for (const context of contexts) sealRow(key, context, values)
  }
}

function createDataKey(): DataKey {
  return {
    id: createPseudonym(),
    tenant: createPseudonym(),
    subject: createPseudonym(),
    key: createSecretKey(randomBytes(32)),
  }
}

/** A fast seal that does not open again would be no result. */
function requireOpens(key: DataKey, context: RowContext, values: Record<string, string>): void {
  const opened = openRow(key, context, sealRow(key, context, values))
  if (NAMES.some((name) => opened[name] !== values[name])) throw new TypeError('a sealed row opened wrongly')
}

/** Field by field, as prisma-field-encryption calls it: with the key parsed once. */
function cloakRows(rows: number, values: Record<string, string>): () => void {
  const key = parseKeySync(generateKey())
  const texts = Object.values(values)
  return () => {
    for (let row = 0; row < rows; row++) for (const text of texts) encryptStringSync(text, key)
  }
}

/** The least that AES-256-GCM can cost in Node: bytes at hand, counted nonces, nothing authenticated beside. */
function cipherRows(rows: number, values: Record<string, string>): () => void {
  const key = createSecretKey(randomBytes(32))
  const plaintext = Buffer.from(canonicalBytes(values))
  const nonce = Buffer.alloc(12)
  return () => {
    for (let row = 0; row < rows; row++) {
      nonce.writeUInt32BE(row, 8)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
      Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    }
  }
}
