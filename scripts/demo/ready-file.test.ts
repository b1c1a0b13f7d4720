import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ready } from '../../src/cli/ready.ts'
import { dropReady, removeStaleReady, writeReady } from './ready-file.ts'

let folder: string
let server: Server
let overview: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-ready-'))
  server = createServer((_, response) => response.end('here'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  overview = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  await stop()
  await rm(folder, { recursive: true })
})

async function stop(): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

const ready = (pid: number): Ready => ({
  schema: 1,
  pid,
  dataDir: folder,
  databaseDir: '',
  overview,
  systems: {},
})
const exists = (): Promise<boolean> =>
  access(join(folder, 'ready.json')).then(
    () => true,
    () => false,
  )

describe('ready.json', () => {
  it('is whole, and only its owner reads it', async () => {
    await writeReady(folder, ready(7))
    expect(JSON.parse(await readFile(join(folder, 'ready.json'), 'utf8'))).toEqual(ready(7))
    expect((await stat(join(folder, 'ready.json'))).mode & 0o077).toBe(0)
  })

  it('stays while the demo that wrote it answers, and a second start is refused', async () => {
    await writeReady(folder, ready(7))
    await expect(removeStaleReady(folder)).rejects.toThrow(`runs already: ${overview} (process 7)`)
    expect(await exists()).toBe(true)
  })

  it('is removed when the demo that wrote it is gone, though its process id lives on', async () => {
    await writeReady(folder, ready(process.pid))
    await stop()
    await removeStaleReady(folder)
    expect(await exists()).toBe(false)
  })

  it.each(['', '{', 'null', '[]', '{"overview":"nowhere"}'])('is removed when it holds %j', async (text) => {
    await writeFile(join(folder, 'ready.json'), text)
    await removeStaleReady(folder)
    expect(await exists()).toBe(false)
  })

  it('is not dropped by a process that did not write it', async () => {
    await writeReady(folder, ready(process.pid + 1))
    await dropReady(folder)
    expect(await exists()).toBe(true)
    await writeReady(folder, ready(process.pid))
    await dropReady(folder)
    expect(await exists()).toBe(false)
  })
})
