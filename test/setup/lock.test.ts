import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { withLock } from '../../scripts/setup/lock.js'

const LOCK = new URL('../../scripts/setup/lock.js', import.meta.url).href

function lockPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'surety-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'lock')
}

/** Runs `source` in a Node of its own, with `withLock` and `path` at hand; resolves with its exit code. */
function inProcess(path: string, source: string): Promise<number | null> {
  const program = `import { withLock } from '${LOCK}'; import fs from 'node:fs'; const path = ${JSON.stringify(path)};
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms)); ${source}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
  return new Promise((resolve) => child.on('exit', resolve))
}

describe('withLock', () => {
  it('lets processes in one at a time', async () => {
    const path = lockPath()
    const source = `await withLock(path, async () => {
      fs.appendFileSync(path + '.log', 'in '); await sleep(150); fs.appendFileSync(path + '.log', 'out ') })`
    const codes = await Promise.all([1, 2, 3].map(() => inProcess(path, source)))
    expect(codes).toEqual([0, 0, 0])
    expect(readFileSync(`${path}.log`, 'utf8')).toBe('in out in out in out ')
    expect(readdirSync(join(path, '..'))).toEqual(['lock.log'])
  })

  it('takes over from a process that was killed', async () => {
    const path = lockPath()
    await inProcess(path, `await withLock(path, async () => process.kill(process.pid, 'SIGKILL'))`)
    expect(existsSync(path)).toBe(true)
    expect(await withLock(path, async () => 'in')).toBe('in')
    expect(existsSync(path)).toBe(false)
  })

  it('lets exactly one of many take over at a time', async () => {
    const path = lockPath()
    writeFileSync(path, JSON.stringify({ schema: 1, pid: 2 ** 22 + 1, host: hostname() }))
    const source = `await withLock(path, async () => { fs.writeFileSync(path + '.inside', '', { flag: 'wx' });
      await sleep(30); fs.unlinkSync(path + '.inside') })`
    expect(await Promise.all([1, 2, 3, 4].map(() => inProcess(path, source)))).toEqual([0, 0, 0, 0])
  })

  it('takes over when the one that was taking over died', async () => {
    const path = lockPath()
    writeFileSync(path, JSON.stringify({ schema: 1, pid: 2 ** 22 + 1, host: hostname() }))
    mkdirSync(`${path}.takeover`)
    const longAgo = new Date('2026-01-01')
    utimesSync(`${path}.takeover`, longAgo, longAgo)
    expect(await withLock(path, async () => 'in')).toBe('in')
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('takes over a lock that nobody can read', async () => {
    const path = lockPath()
    writeFileSync(path, '{"pid":')
    expect(await withLock(path, async () => 'in')).toBe('in')
  })

  it('waits for a process on another machine, and says for whom', async () => {
    const path = lockPath()
    writeFileSync(path, JSON.stringify({ schema: 1, pid: 7, host: 'elsewhere' }))
    const waited: number[] = []
    setTimeout(() => rmSync(path), 500)
    await withLock(path, async () => {}, { onWait: (pid: number) => waited.push(pid) })
    expect(waited).toEqual([7])
  })

  it('gives the lock back when the work throws, and passes the error on', async () => {
    const path = lockPath()
    await expect(withLock(path, () => Promise.reject(new TypeError('no')))).rejects.toThrow('no')
    expect(existsSync(path)).toBe(false)
  })
})
