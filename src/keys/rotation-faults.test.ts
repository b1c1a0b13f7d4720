import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import type { RotatorOptions } from './testing/rotate-for-ever.ts'
import * as world from './testing/rotation-world.ts'
import type { Copy } from './testing/rotation-world.ts'

const KILLS = 12
/** A rotation of this world takes about so long on a quiet machine. */
const LONGEST_MS = 200

beforeEach(() => world.openRotationWorld())

/** A process that rotates; resolves at its first step. */
async function startRotator(onStep: (step: string) => void): Promise<ChildProcess> {
  const name = world.database.databaseName.replace(/^surety_/, '')
  const options: RotatorOptions = { dataDir: world.database.dataDir, name, folder: world.keys.folder }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/rotate-for-ever.ts')], {
    env: { ...process.env, ROTATOR: JSON.stringify(options) },
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
    (await world.rotation(await world.anotherProvider()).run({ force: ['live'] })).ran
  await expect.poll(rotate).toBe(true)
}

test('of processes killed while they rotate each goes on where the one before ended', async () => {
  const people = world.owners(200)
  const made = await world.write(people)
  const stolen: Copy[] = [await world.copyTables()]
  const steps: string[] = []
  let erased = 0
  for (let kill = 0; kill < KILLS; kill++) {
    let lastStep = ''
    const child = await startRotator((step) => (lastStep = step))
    await world.erase(people.slice(erased, erased + 3))
    erased += 3
    await sleep(Math.random() * LONGEST_MS)
    child.kill('SIGKILL')
    await once(child, 'exit')
    steps.push(lastStep)
    stolen.push(await world.copyTables())
  }
  // Killed between different steps, or this shows little.
  expect(new Set(steps).size).toBeGreaterThan(2)
  await rotateHere()
  await rotateHere()

  const kept = made.slice(erased)
  const opened = await world.read(
    made.map(({ id }) => id),
    await world.anotherTree(),
  )
  expect(opened.size).toBe(kept.length)
  for (const key of kept) expect(world.bytes(opened.get(key.id)!)).toBe(world.bytes(key))
  const copies = [...stolen, await world.copyTables()]
  for (const { id } of made.slice(0, erased)) expect(await world.openFrom(copies, id)).toBeNull()
  expect(await world.openFrom(copies, kept[0]!.id)).toBe(world.bytes(kept[0]!))
  const told = (await world.said()).map((body) => {
    const { kind, ladder, epoch } = body as { kind: string; ladder: string; epoch: number }
    return `${kind} ${ladder} ${epoch}`
  })
  expect(new Set(told).size).toBe(told.length)
}, 240_000)
