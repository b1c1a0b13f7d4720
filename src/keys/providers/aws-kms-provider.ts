import { createHash } from 'node:crypto'
import { createId, isId, type Clock } from '../../kernel/index.ts'
import { KeysError } from '../errors.ts'
import { signAws, type AwsCredentials } from './aws-signature.ts'
import { callService, member, unavailable, type HttpAnswer } from './http-call.ts'
import {
  PROVIDER_TIMEOUT_MS,
  type DestructionEvidence,
  type KeyProvider,
  type ProviderKey,
} from '../provider.ts'

export interface AwsKmsProviderOptions {
  /** Such as `eu-central-1`. */
  readonly region: string
  /** Default `https://kms.<region>.amazonaws.com`. */
  readonly endpoint?: string
  /** Read at each call, so they may be rotated. */
  readonly credentials: () => Promise<AwsCredentials>
  /** Days between `destroy` and a key's end, 7 to 30: AWS offers no less. Default 7. */
  readonly pendingDays?: number
  /** Keys get the alias `alias/<prefix>/<uuid>`; only those are listed. Default `surety`. */
  readonly prefix?: string
  readonly clock: Clock
  /** Milliseconds that one call may take. Default 5,000. */
  readonly timeoutMs?: number
}

const DAY_MS = 86_400_000
const DESCRIPTION = 'surety '

/**
 * Epoch keys in AWS KMS, symmetric and made there; a key's id is its ARN. The context travels as its
 * SHA-256 in the encryption context, since AWS logs that in clear.
 *
 * Destruction is `scheduled`: from then on KMS refuses the key, and until `waitingMs` has passed an
 * administrator of the account could still cancel it. Once KMS does not know a key any more, `destroy`
 * says `attested`: whether it ever was in this account is not seen.
 *
 * @throws KeysError `ERR_KEYS_PROVIDER_CONFIG`, `ERR_KEYS_PROVIDER_UNAVAILABLE`
 */
export async function openAwsKmsProvider(options: AwsKmsProviderOptions): Promise<KeyProvider> {
  const { clock, pendingDays = 7, prefix = 'surety' } = options
  if (!Number.isInteger(pendingDays) || pendingDays < 7 || pendingDays > 30)
    throw new KeysError('ERR_KEYS_PROVIDER_CONFIG', 'AWS KMS waits 7 to 30 days before it ends a key')
  const call = createCall(options)
  const alias = `alias/${prefix}/`
  const listAll = (): Promise<ProviderKey[]> => listAliased(call, alias)
  await call('ListAliases', { Limit: 1 })
  return {
    name: 'aws-kms',
    waitingMs: pendingDays * DAY_MS,
    async create(label) {
      const made = await call('CreateKey', {
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        Origin: 'AWS_KMS',
        MultiRegion: false,
        Description: `${DESCRIPTION}${label}`,
      })
      const arn = member(metadataOf(made), 'Arn', 'string')
      await call('CreateAlias', { AliasName: `${alias}${createId(clock)}`, TargetKeyId: arn })
      return arn
    },
    async wrap(keyId, plaintext, context) {
      const body = { Plaintext: base64(plaintext), ...bound(keyId, context) }
      return Buffer.from(member(await call('Encrypt', body), 'CiphertextBlob', 'string'), 'base64')
    },
    async unwrap(keyId, wrapped, context) {
      // KMS refuses an empty or over-long blob as malformed input, not as one that does not open.
      if (wrapped.length === 0 || wrapped.length > MOST_CIPHERTEXT_BYTES) throw refusedWrap()
      const answer = await call('Decrypt', { CiphertextBlob: base64(wrapped), ...bound(keyId, context) })
      return Buffer.from(member(answer, 'Plaintext', 'string'), 'base64')
    },
    destroy: (keyId) => scheduleDeletion(call, arnOf(keyId), pendingDays),
    list: listAll,
  }
}

const MOST_CIPHERTEXT_BYTES = 6144

type Call = (action: string, body: object) => Promise<unknown>

/** Calls an action of the service; what it refuses becomes a coded error. */
function createCall(options: AwsKmsProviderOptions): Call {
  const { region, clock, timeoutMs = PROVIDER_TIMEOUT_MS } = options
  const url = new URL(options.endpoint ?? `https://kms.${region}.amazonaws.com`)
  const send = (action: string, body: string): Promise<HttpAnswer> =>
    callService({
      service: 'AWS KMS',
      timeoutMs,
      repeatable: !action.startsWith('Create'),
      async prepare() {
        const headers = {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `TrentService.${action}`,
        }
        const request = { method: 'POST', url, headers, body }
        const scope = { region, service: 'kms', at: clock.now() }
        return {
          method: 'POST',
          url: url.href,
          headers: signAws(request, await options.credentials(), scope),
          body,
        }
      },
    })
  const call: Call = async (action, body) => {
    const answer = await send(action, JSON.stringify(body))
    if (answer.status === 200) return answer.body
    const type = refusalOf(answer)
    // A key that is disabled is in the same state error as one that ends: only its description tells.
    const state =
      type === 'KMSInvalidStateException' && action !== 'DescribeKey' && 'KeyId' in body
        ? await stateOf(call, String(body.KeyId))
        : null
    throw refuse(type, state)
  }
  return call
}

/** The name of the exception, or the status where the answer names none. */
function refusalOf({ status, body }: HttpAnswer): string {
  const type: unknown = (body as { __type?: unknown } | null)?.__type
  const name = typeof type === 'string' ? /(\w+)$/.exec(type)?.[1] : undefined
  return name ?? `status ${status}`
}

function refuse(type: string, state: string | null): InstanceType<typeof KeysError> {
  switch (type) {
    case 'InvalidCiphertextException':
    case 'IncorrectKeyException':
      return refusedWrap()
    case 'NotFoundException':
      return new KeysError('ERR_KEYS_DESTROYED', 'AWS KMS does not know the key any more')
    case 'KMSInvalidStateException':
      return state === 'PendingDeletion' || state === 'PendingReplicaDeletion'
        ? new KeysError('ERR_KEYS_DESTROYED', 'AWS KMS is about to delete the key and refuses it')
        : unavailable(`AWS KMS cannot use the key now (${type})`)
    default:
      return unavailable(`AWS KMS refused (${type})`, 'check the credentials, the region and the key policy')
  }
}

function refusedWrap(): InstanceType<typeof KeysError> {
  return new KeysError('ERR_KEYS_UNWRAP', 'what the key wrapped does not open')
}

const ARN = /^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]{1,64}$/

function arnOf(keyId: string): string {
  if (!ARN.test(keyId)) throw new KeysError('ERR_KEYS_UNWRAP', 'the provider key id is malformed')
  return keyId
}

function bound(keyId: string, context: Uint8Array): object {
  const digest = createHash('sha256').update(context).digest('hex')
  return { KeyId: arnOf(keyId), EncryptionContext: { 'surety-context': digest } }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function metadataOf(answer: unknown): unknown {
  return (answer as { KeyMetadata?: unknown } | null)?.KeyMetadata
}

async function stateOf(call: Call, keyId: string): Promise<string> {
  return member(metadataOf(await call('DescribeKey', { KeyId: keyId })), 'KeyState', 'string')
}

async function scheduleDeletion(call: Call, arn: string, days: number): Promise<DestructionEvidence> {
  try {
    await call('ScheduleKeyDeletion', { KeyId: arn, PendingWindowInDays: days })
    return 'scheduled'
  } catch (error) {
    if (!(error instanceof KeysError) || error.code !== 'ERR_KEYS_DESTROYED') throw error
  }
  // Refused as destroyed: still on its way out, or already forgotten.
  const known = await stateOf(call, arn).catch((error: unknown) => {
    if (error instanceof KeysError && error.code === 'ERR_KEYS_DESTROYED') return null
    throw error
  })
  return known === null ? 'attested' : 'scheduled'
}

/** The keys under our aliases: an alias lives as long as its key. */
async function listAliased(call: Call, alias: string): Promise<ProviderKey[]> {
  const keys: ProviderKey[] = []
  let marker: string | undefined
  do {
    const page = await call('ListAliases', {
      Limit: 100,
      ...(marker === undefined ? {} : { Marker: marker }),
    })
    const { Aliases = [], Truncated, NextMarker } = page as AliasPage
    const ours = Aliases.filter(
      ({ AliasName }) => AliasName.startsWith(alias) && isId(AliasName.slice(alias.length)),
    )
    keys.push(...(await Promise.all(ours.map(({ TargetKeyId }) => describeKey(call, TargetKeyId)))))
    marker = Truncated === true ? NextMarker : undefined
  } while (marker !== undefined)
  return keys
}

interface AliasPage {
  readonly Aliases?: readonly { readonly AliasName: string; readonly TargetKeyId: string }[]
  readonly Truncated?: boolean
  readonly NextMarker?: string
}

async function describeKey(call: Call, keyId: string): Promise<ProviderKey> {
  const metadata = metadataOf(await call('DescribeKey', { KeyId: keyId }))
  const key = {
    id: member(metadata, 'Arn', 'string'),
    label: member(metadata, 'Description', 'string').slice(DESCRIPTION.length),
    createdAt: Math.round(member(metadata, 'CreationDate', 'number') * 1000),
  }
  if (!member(metadata, 'KeyState', 'string').startsWith('Pending')) return { ...key, state: 'live' }
  return {
    ...key,
    state: 'ending',
    destroyedBy: Math.round(member(metadata, 'DeletionDate', 'number') * 1000),
  }
}
