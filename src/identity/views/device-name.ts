import type { SignInMethod } from '../sessions.ts'

/** The first that fits: most browsers claim to be the ones below them, too. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/(?:Chrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

/** What a `User-Agent` header says in words by which people know their devices; what it says where it is none. */
export function deviceName(userAgent: string | null): string {
  const find = (names: typeof BROWSERS): string | undefined =>
    names.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1]
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)]
  if (browser) return system ? `${browser} on ${system}` : browser
  return userAgent?.slice(0, 80) || 'A browser that does not say its name'
}

const METHODS: Readonly<Record<SignInMethod, string>> = {
  password: 'a password',
  oidc: 'an identity provider',
  totp: 'an authenticator app',
  passkey: 'a passkey',
  recovery: 'a recovery code',
}

/** `a password and a passkey`. */
export function methodNames(methods: readonly SignInMethod[]): string {
  return methods.map((method) => METHODS[method]).join(' and ')
}
