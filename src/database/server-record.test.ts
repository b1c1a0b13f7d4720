import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createPasswords,
  parseRecord,
  readRecord,
  recordPath,
  writeRecord,
  type ServerRecord,
} from './server-record.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-record-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const record: ServerRecord = {
  schema: 1,
  host: '127.0.0.1',
  port: 5432,
  socket: null,
  databaseDir: '/srv/data',
  pid: null,
  passwords: createPasswords(),
}

describe('the record of a server', () => {
  it('is read back as written, is ours alone, and leaves no draft', async () => {
    expect(await readRecord(folder)).toBeNull()
    await writeRecord(folder, record)
    await writeRecord(folder, { ...record, port: 5433 })
    expect(await readRecord(folder)).toEqual({ ...record, port: 5433 })
    expect((await stat(recordPath(folder))).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['database.json'])
  })

  it.each<[string, object]>([
    ['another schema', { schema: 2 }],
    ['a host that is not the loopback', { host: '0.0.0.0' }],
    ['port 0', { port: 0 }],
    ['port 65536', { port: 65_536 }],
    ['a missing password', { passwords: { postgres: 'x', surety_owner: 'y' } }],
    ['no passwords', { passwords: null }],
    ['a pid that is no number', { pid: '1' }],
  ])('is refused with %s', (_, edit) => {
    expect(parseRecord(JSON.stringify(record))).toEqual(record)
    expect(parseRecord(JSON.stringify({ ...record, ...edit }))).toBeNull()
  })

  it('never throws on what it reads', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseRecord(text)))
    fc.assert(fc.property(fc.json(), (text) => void parseRecord(text)))
  })

  it('has different passwords for every role, every time', () => {
    const all = [...Object.values(createPasswords()), ...Object.values(createPasswords())]
    expect(new Set(all).size).toBe(6)
    for (const password of all) expect(password).toMatch(/^[\w-]{32}$/)
  })
})
