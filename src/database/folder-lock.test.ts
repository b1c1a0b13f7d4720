import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../kernel/index.ts'
import { lockFolder } from './folder-lock.ts'
import { isRunning, processStart } from './process-table.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await new Promise((resolve) => child.on('exit', resolve))
  return child.pid!
}

async function leave(text: string): Promise<void> {
  await mkdir(join(folder, 'lock'), { recursive: true })
  await writeFile(join(folder, 'lock', 'earlier'), text)
}

const flag = (pid: number, started: string | null): string =>
  JSON.stringify({ schema: 1, state: 'held', pid, started, at: '' })

describe('the lock of a data folder', () => {
  it('is held by one and free again after its release', async () => {
    const lock = await lockFolder(folder, systemClock)
    await expect(lockFolder(folder, systemClock)).rejects.toMatchObject({ code: 'ERR_DATABASE_LOCKED' })
    await lock.release()
    await (await lockFolder(folder, systemClock)).release()
    expect(await readdir(join(folder, 'lock'))).toEqual([])
  })

  it('goes to at most one of many that ask at once, over a stale flag', async () => {
    for (let round = 0; round < 20; round++) {
      await leave(flag(await deadPid(), null))
      const asked = await Promise.allSettled(Array.from({ length: 6 }, () => lockFolder(folder, systemClock)))
      const held = asked.filter((result) => result.status === 'fulfilled')
      expect(held.length).toBe(1)
      await held[0]!.value.release()
    }
  })

  it('is taken over from a process that is gone', async () => {
    await leave(flag(await deadPid(), null))
    await (await lockFolder(folder, systemClock)).release()
  })

  it('is taken over when the pid belongs to another process now', async () => {
    await leave(flag(process.pid, 'another boot:1'))
    const taken = lockFolder(folder, systemClock)
    if ((await processStart(process.pid)) === null)
      await expect(taken).rejects.toMatchObject({ code: 'ERR_DATABASE_LOCKED' })
    else await (await taken).release()
  })

  it.each(['', 'null', '{"pid":"1"}', '{"pid":-1}', 'garbage'])(
    'is taken over when its file says nothing: %j',
    async (text) => {
      await leave(text)
      await (await lockFolder(folder, systemClock)).release()
    },
  )

  it('is respected while another process holds it, and its file is left alone', async () => {
    await leave(flag(process.pid, null))
    await expect(lockFolder(folder, systemClock)).rejects.toMatchObject({ code: 'ERR_DATABASE_LOCKED' })
    expect(await readdir(join(folder, 'lock'))).toEqual(['earlier'])
  })

  it('refuses a folder that cannot be written with a code', async () => {
    await expect(lockFolder(join(folder, 'missing'), systemClock)).rejects.toMatchObject({
      code: 'ERR_DATABASE_FOLDER',
    })
  })
})

describe('process table', () => {
  it('tells running processes from ended ones', async () => {
    expect(await isRunning(process.pid)).toBe(true)
    expect(await isRunning(await deadPid())).toBe(false)
  })
})
