import { existsSync } from 'node:fs'
import { findOnPath } from './executable.ts'

const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
]

/** Path of SoftHSM 2's PKCS#11 module when its tool is on the PATH too, else `undefined`. */
export function findSoftHsm(): string | undefined {
  return findOnPath(['softhsm2-util']) === undefined ? undefined : MODULES.find(existsSync)
}
