// One set-up at a time: a lock file that names its owner. Plain JavaScript for Node 20.
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 200
const TAKEOVER_PAUSE_MS = 20

/** Taking a lock over is a matter of microseconds: after this long its owner has died over it. */
const ABANDONED_MS = 5_000

/**
 * Runs `work` while holding the lock file `path`.
 *
 * Waits for a living owner and calls `onWait(pid)` once; takes over from an owner whose process is gone.
 * The file is removed at the end, also when `work` throws.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (pid: number) => void }} options
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait = () => {} } = {}) {
  await acquire(path, onWait)
  const release = () => rmSync(path, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    process.removeListener('exit', release)
    release()
  }
}

async function acquire(path, onWait) {
  let told = false
  while (!tryCreate(path)) {
    const text = readOwner(path)
    if (text === undefined) continue
    const owner = parseOwner(text)
    if (!isAlive(owner)) {
      takeAway(path, text)
      await sleep(Math.random() * TAKEOVER_PAUSE_MS)
      continue
    }
    if (!told) onWait(owner.pid)
    told = true
    await sleep(POLL_MS)
  }
}

function tryCreate(path) {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, JSON.stringify({ schema: 1, pid: process.pid, host: hostname() }))
  try {
    // A link appears with its content or not at all, so nobody ever reads half a lock.
    linkSync(temporary, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    if (error.code !== 'EPERM' && error.code !== 'ENOTSUP' && error.code !== 'EOPNOTSUPP') throw error
    return tryCreateWithoutLinks(path)
  } finally {
    rmSync(temporary, { force: true })
  }
}

// Some shared folders of virtual machines know no hard links.
function tryCreateWithoutLinks(path) {
  try {
    writeFileSync(path, JSON.stringify({ schema: 1, pid: process.pid, host: hostname() }), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function readOwner(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function parseOwner(text) {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

function isAlive({ pid, host }) {
  if (!Number.isInteger(pid)) return false
  if (host !== hostname()) return true
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

// Several waiters may judge the same lock stale, and one of them may already hold a new one: only the holder
// of the folder `<lock>.takeover` removes, and only what still is what it judged.
function takeAway(path, judged) {
  const mutex = `${path}.takeover`
  try {
    mkdirSync(mutex)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    removeAbandoned(mutex)
    return
  }
  try {
    if (readOwner(path) === judged) rmSync(path, { force: true })
  } finally {
    rmSync(mutex, { recursive: true, force: true })
  }
}

function removeAbandoned(mutex) {
  const made = statSync(mutex, { throwIfNoEntry: false })?.mtimeMs
  if (made !== undefined && Date.now() - made > ABANDONED_MS) rmSync(mutex, { recursive: true, force: true })
}
