import { createHash, createHmac } from 'node:crypto'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface SigningScope {
  readonly region: string
  readonly service: string
  /** Wall time in milliseconds. */
  readonly at: number
}

export interface UnsignedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * The headers of a request signed with AWS Signature Version 4: those given, `x-amz-date`, the session
 * token where there is one, and `authorization`. Every header and the whole body are signed. For
 * addresses without a path to encode and without a query, as the JSON protocols use them.
 */
export function signAws(
  { method, url, headers, body }: UnsignedRequest,
  credentials: AwsCredentials,
  { region, service, at }: SigningScope,
): Record<string, string> {
  const date = new Date(at).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const { sessionToken } = credentials
  const signed: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': date,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  }
  const names = Object.keys(signed).toSorted()
  const lines = names.map((name) => `${name}:${signed[name]!.trim().replaceAll(/ +/g, ' ')}\n`).join('')
  const request = [method, url.pathname, '', lines, names.join(';'), sha256(body)].join('\n')
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(request)].join('\n')
  const key = scope
    .split('/')
    .reduce<Buffer | string>((parent, part) => hmac(parent, part), `AWS4${credentials.secretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  const { host: _, ...sent } = signed
  return { ...sent, authorization }
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

function sha256(data: string): string {
  return createHash('sha256').update(data).digest('hex')
}
