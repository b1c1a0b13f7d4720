import { createHash, createHmac, randomBytes, randomUUID, createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../../kernel/index.ts'
import { gcmOpen, gcmSeal } from '../gcm.ts'
import { startHttpDouble, type DoubleAnswer, type DoubleRequest, type HttpDouble } from './http-double.ts'

export interface KmsAccount {
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

interface KmsKey {
  readonly arn: string
  readonly key: KeyObject
  readonly createdAt: number
  readonly description: string
  state: 'Enabled' | 'Disabled' | 'PendingDeletion'
  deletionDate: number | null
}

export interface KmsDouble extends HttpDouble {
  /** Disables a key, as an administrator can. */
  disable(arn: string): void
  /** Takes a scheduled deletion back, as an administrator can. */
  cancelDeletion(arn: string): void
}

type Body = Readonly<Record<string, unknown>>
type Keys = Map<string, KmsKey>
type Aliases = Map<string, string>

/** What KMS says no to. */
class Refusal extends Error {}

const DAY_MS = 86_400_000

/**
 * A protocol double of AWS KMS: checks the signature of each request by an implementation of its own,
 * then does what the API reference says of the actions that the provider uses. Pages of aliases are
 * short, so that paging happens.
 */
export async function startKmsDouble(account: KmsAccount, clock: Clock): Promise<KmsDouble> {
  const keys: Keys = new Map()
  const aliases: Aliases = new Map([['alias/aws/s3', 'not-ours']])
  const double = await startHttpDouble((request): DoubleAnswer => {
    endKeys(keys, aliases, clock)
    try {
      checkSignature(request, account, clock)
      const action = String(request.headers['x-amz-target']).replace('TrentService.', '')
      const body = JSON.parse(request.body) as Body
      return { status: 200, body: act(action, body, { keys, aliases, clock, region: account.region }) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { status: 400, body: { __type: error.message, message: 'refused' } }
    }
  })
  return {
    ...double,
    disable: (arn) => void (keys.get(arn)!.state = 'Disabled'),
    cancelDeletion(arn) {
      Object.assign(keys.get(arn)!, { state: 'Disabled', deletionDate: null })
    },
  }
}

function endKeys(keys: Keys, aliases: Aliases, clock: Clock): void {
  for (const [arn, { deletionDate }] of keys) {
    if (deletionDate === null || deletionDate > clock.now()) continue
    keys.delete(arn)
    for (const [alias, target] of aliases) if (target === arn) aliases.delete(alias)
  }
}

interface World {
  readonly keys: Keys
  readonly aliases: Aliases
  readonly clock: Clock
  readonly region: string
}

function act(action: string, body: Body, { keys, aliases, clock, region }: World): unknown {
  const known = (): KmsKey => keys.get(String(body['KeyId'])) ?? refuse('NotFoundException')
  const usable = (): KmsKey => {
    const key = known()
    if (key.state === 'Disabled') return refuse('DisabledException')
    return key.state === 'PendingDeletion' ? refuse('KMSInvalidStateException') : key
  }
  switch (action) {
    case 'CreateKey': {
      if (body['Origin'] !== 'AWS_KMS' || body['KeySpec'] !== 'SYMMETRIC_DEFAULT')
        refuse('ValidationException')
      const arn = `arn:aws:kms:${region}:111122223333:key/${randomUUID()}`
      const key = createSecretKey(randomBytes(32))
      const description = String(body['Description'])
      keys.set(arn, { arn, key, description, createdAt: clock.now(), state: 'Enabled', deletionDate: null })
      return { KeyMetadata: metadata(keys.get(arn)!) }
    }
    case 'CreateAlias':
      aliases.set(String(body['AliasName']), String(body['TargetKeyId']))
      return {}
    case 'ListAliases':
      return pageOfAliases(aliases, Number(body['Marker'] ?? 0), Math.min(Number(body['Limit']), 3))
    case 'DescribeKey':
      return { KeyMetadata: metadata(known()) }
    case 'Encrypt': {
      const { arn, key } = usable()
      const sealed = gcmSeal(key, contextOf(body), Buffer.from(String(body['Plaintext']), 'base64'))
      return { CiphertextBlob: Buffer.concat([Buffer.from(arn), sealed]).toString('base64'), KeyId: arn }
    }
    case 'Decrypt':
      return decrypt(usable(), body)
    case 'ScheduleKeyDeletion': {
      const key = known()
      if (key.state === 'PendingDeletion') refuse('KMSInvalidStateException')
      const days = Number(body['PendingWindowInDays'])
      if (!(days >= 7 && days <= 30)) refuse('ValidationException')
      Object.assign(key, { state: 'PendingDeletion', deletionDate: clock.now() + days * DAY_MS })
      return { KeyId: key.arn, KeyState: key.state, DeletionDate: key.deletionDate! / 1000 }
    }
    default:
      return refuse('UnknownOperationException')
  }
}

function decrypt({ arn, key }: KmsKey, body: Body): unknown {
  const blob = Buffer.from(String(body['CiphertextBlob']), 'base64')
  const owner = blob.subarray(0, arn.length).toString('latin1')
  if (owner !== arn)
    refuse(owner.startsWith('arn:aws:kms:') ? 'IncorrectKeyException' : 'InvalidCiphertextException')
  const plaintext = gcmOpen(key, contextOf(body), blob.subarray(arn.length))
  return plaintext === null
    ? refuse('InvalidCiphertextException')
    : { KeyId: arn, Plaintext: plaintext.toString('base64') }
}

function metadata({ arn, createdAt, description, state, deletionDate }: KmsKey): unknown {
  const ending = deletionDate === null ? {} : { DeletionDate: deletionDate / 1000 }
  return { Arn: arn, Description: description, CreationDate: createdAt / 1000, KeyState: state, ...ending }
}

function pageOfAliases(aliases: Aliases, from: number, limit: number): unknown {
  const all = [...aliases].map(([AliasName, TargetKeyId]) => ({ AliasName, TargetKeyId }))
  const next = from + limit
  const more = next < all.length
  return { Aliases: all.slice(from, next), Truncated: more, ...(more ? { NextMarker: String(next) } : {}) }
}

function contextOf(body: Body): Buffer {
  return Buffer.from(JSON.stringify(body['EncryptionContext'] ?? {}))
}

function refuse(exception: string): never {
  throw new Refusal(exception)
}

/** Signature Version 4 as a service checks it: from what arrived, by the header's own list of names. */
function checkSignature(
  { method, path, headers, body }: DoubleRequest,
  account: KmsAccount,
  clock: Clock,
): void {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (!match) return refuse('IncompleteSignatureException')
  const [, id, day, region, service, names, signature] = match as unknown as string[]
  const date = String(headers['x-amz-date'])
  const [year, month, rest] = [date.slice(0, 4), date.slice(4, 6), date.slice(6, 8)]
  const at = Date.parse(
    `${year}-${month}-${rest}T${date.slice(9, 11)}:${date.slice(11, 13)}:${date.slice(13, 15)}Z`,
  )
  if (Math.abs(at - clock.now()) > 300_000) refuse('InvalidSignatureException')
  if (
    id !== account.accessKeyId ||
    region !== account.region ||
    service !== 'kms' ||
    day !== date.slice(0, 8)
  )
    refuse('UnrecognizedClientException')
  if (headers['x-amz-security-token'] !== account.sessionToken) refuse('UnrecognizedClientException')
  const list = names!.split(';')
  for (const demanded of ['host', 'x-amz-date', 'x-amz-target'])
    if (!list.includes(demanded)) refuse('InvalidSignatureException')
  let canonical = `${method}\n${path}\n\n`
  for (const name of list) canonical += `${name}:${String(headers[name]).trim()}\n`
  canonical += `\n${list.join(';')}\n${createHash('sha256').update(body).digest('hex')}`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const key = mac(mac(mac(mac(`AWS4${account.secretAccessKey}`, day!), region!), service!), 'aws4_request')
  const text = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${hash}`
  if (mac(key, text).toString('hex') !== signature) refuse('InvalidSignatureException')
}
