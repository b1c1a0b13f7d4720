import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTransaction, silentLogger } from '../database/index.ts'
import { startTestDatabase } from '../database/testing.ts'
import { systemClock, toBase64, toHex } from '../kernel/index.ts'
import { keysMigrations, openFileProvider } from '../keys/index.ts'
import { createHashTree, hashLeaf } from '../verify/index.ts'
import { createLogFolder } from './folder.ts'
import { logMigrations, openAuditLog, openLogSigner } from './index.ts'
import { readLeaves, readPublished } from './published.ts'
import { AUDIT_FOR_EVER } from './testing/audit-for-ever.ts'
import { LogProcesses } from './testing/log-processes.ts'

const ORIGIN = 'test.example/audit'
const KILLS = 10

test('of two processes that audit the survivor takes over: no event lost, doubled or forked', async () => {
  const database = await startTestDatabase({ migrations: [keysMigrations, logMigrations] })
  const base = await mkdtemp(join(tmpdir(), 'surety-audit-faults-'))
  const options = {
    dataDir: database.dataDir,
    name: database.databaseName.replace(/^surety_/, ''),
    folder: join(base, 'log'),
    keyFile: join(base, 'keys', 'audit.json'),
    providerFolder: join(base, 'provider'),
    origin: ORIGIN,
  }
  const auditors = new LogProcesses(AUDIT_FOR_EVER, options)
  const { acknowledged, signed, errors } = auditors
  const running = [await auditors.start(), await auditors.start()]
  for (let round = 0; round < KILLS; round++) {
    await sleep(Math.random() * 250)
    const survivor = running[(round + 1) % 2]!
    await auditors.kill(running[round % 2]!)
    const before = survivor.signed
    const takesOver = (): boolean => survivor.signed > before || errors.length > 0
    await expect.poll(takesOver, { interval: 20 }).toBe(true)
    running[round % 2] = await auditors.start()
  }
  await Promise.all(running.map((process) => auditors.kill(process)))
  await sleep(100)
  expect(errors).toEqual([])

  const signer = await openLogSigner(options.keyFile, ORIGIN)
  const log = await openAuditLog({
    ...{ origin: ORIGIN, folder: options.folder, clock: systemClock, logger: silentLogger },
    provider: await openFileProvider({ folder: options.providerFolder, outside: [], clock: systemClock }),
    transaction: (work) => inTransaction(database.owner, work),
    access: { mode: 'sequence', signer },
  })
  await log.flush({ timeoutMs: 60_000 })
  const bodies = new Map<string, string>()
  for await (const { entry, commitment } of log.entries(0)) {
    if (entry.kind === 'data.insert') bodies.set(entry.rows![0]!, toHex(commitment))
  }
  const whole = await log.verifyWhole()
  await log.close()
  const folder = createLogFolder(options.folder)
  const published = await readPublished(folder, signer.key)
  const leaves = await readLeaves(folder, 0, published!.size)
  const held = new Set(leaves.map(toHex))
  expect(acknowledged.length).toBeGreaterThan(200)
  expect(acknowledged.filter((row) => !held.has(bodies.get(row) ?? ''))).toEqual([])
  expect(held.size).toBe(leaves.length)
  expect(whole!.size).toBe(published!.size)
  const tree = createHashTree()
  for (const leaf of leaves) tree.append(hashLeaf(leaf))
  for (const { size, root } of signed) expect(toBase64(tree.root(size)), `size ${size}`).toBe(root)
  expect(await readFile(join(options.folder, 'vkey'), 'utf8')).toContain(ORIGIN)
  await database.close()
  await rm(base, { recursive: true, force: true })
}, 240_000)
