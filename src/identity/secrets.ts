import { createHash, randomBytes } from 'node:crypto'

/** A fresh secret of 256 random bits, base64url. */
export function mintToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Lower-case hex. One round is enough for secrets that are random; passwords take Argon2id. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
