import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import type { RotatorOptions } from './testing/rotate-for-ever.ts'
import {
  anotherProvider,
  anotherTree,
  bytes,
  copyTables,
  database,
  erase,
  keys,
  openFrom,
  owners,
  read,
  rotation,
  said,
  openRotationWorld,
  write,
  type Copy,
} from './testing/rotation-world.ts'

const KILLS = 12
/** A rotation of this world takes about so long on a quiet machine. */
const LONGEST_MS = 200

beforeEach(() => openRotationWorld())

/** A process that rotates; resolves at its first step. */
async function startRotator(onStep: (step: string) => void): Promise<ChildProcess> {
  const name = database.databaseName.replace(/^surety_/, '')
  const options: RotatorOptions = { dataDir: database.dataDir, name, folder: keys.folder }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/rotate-for-ever.ts')], {
    env: {
      ...process.env,
      ROTATOR: JSON.stringify(options),
      NODE_COMPILE_CACHE: join(database.dataDir, 'compiled'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! }).on('line', onStep)
  await Promise.race([once(lines, 'line'), once(child, 'exit')])
  expect(child.exitCode).toBeNull()
  return child
}

/** Ends an epoch here; the database may still hold the lock for a process that was killed. */
async function rotateHere(): Promise<void> {
  const rotate = async (): Promise<boolean> =>
    (await rotation(await anotherProvider()).run({ force: ['live'] })).ran
  await expect.poll(rotate, { timeout: 20_000 }).toBe(true)
}

test('of processes killed while they rotate each goes on where the one before ended', async () => {
  const people = owners(200)
  const made = await write(people)
  const stolen: Copy[] = [await copyTables()]
  const steps: string[] = []
  let erased = 0
  for (let kill = 0; kill < KILLS; kill++) {
    let lastStep = ''
    const child = await startRotator((step) => (lastStep = step))
    await erase(people.slice(erased, erased + 3))
    erased += 3
    await sleep(Math.random() * LONGEST_MS)
    child.kill('SIGKILL')
    await once(child, 'exit')
    steps.push(lastStep)
    stolen.push(await copyTables())
  }
  // Killed between different steps, or this shows little.
  expect(new Set(steps).size).toBeGreaterThan(2)
  await rotateHere()
  await rotateHere()

  const kept = made.slice(erased)
  const opened = await read(
    made.map(({ id }) => id),
    await anotherTree(),
  )
  expect(opened.size).toBe(kept.length)
  for (const key of kept) expect(bytes(opened.get(key.id)!)).toBe(bytes(key))
  const copies = [...stolen, await copyTables()]
  for (const { id } of made.slice(0, erased)) expect(await openFrom(copies, id)).toBeNull()
  expect(await openFrom(copies, kept[0]!.id)).toBe(bytes(kept[0]!))
  const told = (await said()).map((body) => {
    const { kind, ladder, epoch } = body as { kind: string; ladder: string; epoch: number }
    return `${kind} ${ladder} ${epoch}`
  })
  expect(new Set(told).size).toBe(told.length)
}, 240_000)
