import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DEBIAN_GOPATH, findGo } from '../../scripts/go.ts'

const run = promisify(execFile)
const source = fileURLToPath(new URL('verify-log/main.go', import.meta.url))

/** Whether the log check can be built here. Says why not; in CI a missing Go is an error. */
export function canBuildLogCheck(): boolean {
  if (findGo() !== undefined) return true
  const message = 'the log check in Go needs Debian’s golang-go and golang-golang-x-mod-dev'
  if (process.env['CI']) throw new Error(`${message}: apt-get install golang-go golang-golang-x-mod-dev`)
  console.warn(`skipped: ${message}`)
  return false
}

/** Builds the program that checks a served log, offline, with the modules that Debian packages. */
export async function buildLogCheck(binary: string): Promise<void> {
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: DEBIAN_GOPATH, GOFLAGS: '', CGO_ENABLED: '0' }
  await run('go', ['build', '-o', binary, source], { env })
}
