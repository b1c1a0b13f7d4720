/**
 * Passkeys of staff in the browser: the only part of these pages that needs script. Each box says where its
 * challenge comes from and where the answer goes; the site decides what was signed.
 */
interface Options {
  readonly challenge: string
  readonly site: string
  readonly credentials: readonly string[]
  /** Sent back with the answer as it came. */
  readonly keep?: object
}

function bytesOf(text: string): ArrayBuffer {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(plain, (char) => char.charCodeAt(0)).buffer
}

function textOf(bytes: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(bytes))
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

async function post(path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function get({ challenge, site, credentials }: Options): Promise<object> {
  const allowCredentials = credentials.map((id) => ({ type: 'public-key' as const, id: bytesOf(id) }))
  const publicKey = {
    challenge: bytesOf(challenge),
    rpId: site,
    allowCredentials,
    userVerification: 'required' as const,
  }
  const made = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential
  const response = made.response as AuthenticatorAssertionResponse
  return {
    credential: textOf(made.rawId),
    authenticatorData: textOf(response.authenticatorData),
    clientData: textOf(response.clientDataJSON),
    signature: textOf(response.signature),
  }
}

async function create({ challenge, site }: Options): Promise<object> {
  const name = document.title
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: bytesOf(challenge),
      rp: { id: site, name },
      user: { id: crypto.getRandomValues(new Uint8Array(16)), name: 'staff', displayName: 'staff' },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key' as const, alg })),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      attestation: 'none',
    },
  })) as PublicKeyCredential
  const response = made.response as AuthenticatorAttestationResponse
  return {
    credential: textOf(made.rawId),
    algorithm: response.getPublicKeyAlgorithm(),
    publicKey: textOf(response.getPublicKey()!),
    authenticatorData: textOf(response.getAuthenticatorData()),
    clientData: textOf(response.clientDataJSON),
  }
}

async function run(box: HTMLElement): Promise<void> {
  const status = box.querySelector('[role=status]')
  const say = (text: string): void => {
    if (status) status.textContent = text
  }
  const { challenge = '', send = '', form = '', fields, does } = box.dataset
  const source = fields ? document.querySelector<HTMLFormElement>(fields) : null
  if (source && !source.reportValidity()) return
  const values = source ? Object.fromEntries(new FormData(source)) : {}
  say('Waiting for your device …')
  try {
    const begun = await post(challenge, { ...values, form })
    if (!begun.ok) return say(`Refused: ${((await begun.json()) as { title: string }).title}.`)
    const options = (await begun.json()) as Options
    const answer = await (does === 'create' ? create(options) : get(options))
    const ended = await post(send, { ...values, ...options.keep, answer, form })
    if (!ended.ok) return say(`Refused: ${((await ended.json()) as { title: string }).title}.`)
    const { location, tell } = (await ended.json()) as { location?: string; tell?: string }
    if (location) globalThis.location.assign(location)
    else if (tell) say(tell)
  } catch {
    say('Nothing was done: the device gave no answer, or you cancelled.')
  }
}

/** A code that came with the link stands behind the #, which no server sees, and leaves the address bar. */
function takeCode(): void {
  const field = document.querySelector<HTMLInputElement>('#enrol #code')
  const code = globalThis.location.hash.slice(1)
  if (!field || code === '') return
  field.value = code
  history.replaceState(null, '', globalThis.location.pathname)
}

takeCode()
if (typeof PublicKeyCredential === 'function') {
  for (const box of document.querySelectorAll<HTMLElement>('[data-challenge]')) {
    box.hidden = false
    box.querySelector('button')?.addEventListener('click', () => void run(box))
  }
}

/** A link brings its code behind the `#`, which no server and no log sees. */
const code = globalThis.location.hash.slice(1)
const field = document.querySelector<HTMLInputElement>('#enrol [name=code]')
if (field && code) {
  field.value = code
  history.replaceState(null, '', globalThis.location.pathname)
}
