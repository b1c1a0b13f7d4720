import { existsSync } from 'node:fs'
import { findOnPath } from './executable.ts'

/** Where Debian keeps the sources of packaged Go modules. */
export const DEBIAN_GOPATH = '/usr/share/gocode'

/** Path of the Go tool when the log check can be built offline, else `undefined`. */
export function findGo(): string | undefined {
  const go = findOnPath(['go'])
  return go !== undefined && existsSync(`${DEBIAN_GOPATH}/src/golang.org/x/mod/sumdb/note`) ? go : undefined
}
