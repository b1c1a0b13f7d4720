/**
 * Passkeys in the browser: the only part of the account pages that needs script. It shows its buttons
 * where the browser has passkeys, asks the site for a challenge, and sends what the device answers.
 */
const PATHS = {
  'sign-in': '/account/passkeys/sign-in',
  'second-factor': '/account/passkeys/second-factor',
  confirm: '/account/passkeys/confirm',
  add: '/account/passkeys/add',
} as const

type Purpose = keyof typeof PATHS

function isPurpose(text: string | undefined): text is Purpose {
  return text !== undefined && Object.hasOwn(PATHS, text)
}

async function post(path: string, form: string | undefined, body: object): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ ...body, form }),
  })
}

async function answer(purpose: Purpose, options: unknown): Promise<unknown> {
  if (purpose === 'add') {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
      options as PublicKeyCredentialCreationOptionsJSON,
    )
    return navigator.credentials.create({ publicKey })
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  )
  return navigator.credentials.get({ publicKey })
}

async function run(box: HTMLElement, purpose: Purpose): Promise<void> {
  const status = box.querySelector('[role=status]')
  const say = (text: string): void => {
    if (status) status.textContent = text
  }
  const { next = '/', form } = box.dataset
  say('Waiting for your device …')
  try {
    const begun = await post(`${PATHS[purpose]}/options`, form, {})
    if (!begun.ok) return say('The site refused. Load the page again and retry.')
    const response = await answer(purpose, await begun.json())
    const ended = await post(PATHS[purpose], form, { response, next })
    if (!ended.ok) return say('This passkey was not accepted.')
    const { location } = (await ended.json()) as { location: string }
    globalThis.location.assign(location)
  } catch {
    say('Nothing was done: the device gave no answer, or you cancelled.')
  }
}

if (typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential) {
  for (const box of document.querySelectorAll<HTMLElement>('[data-passkey]')) {
    const purpose = box.dataset['passkey']
    if (!isPurpose(purpose)) continue
    box.hidden = false
    box.querySelector('button')?.addEventListener('click', () => void run(box, purpose))
  }
}
