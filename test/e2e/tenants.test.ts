import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../../src/database/testing.ts'
import { silentLogger } from '../../src/database/index.ts'
import { createPseudonym } from '../../src/kernel/index.ts'
import {
  defineSurety,
  field,
  openSurety,
  resource,
  tenantResources,
  type AnySurety,
} from '../../src/surety.ts'

const PROMISES = [
  'access.custom-roles',
  'access.ip-allow-list',
  'access.review',
  'access.rbac',
  'access.tenant-isolation',
]

const notes = resource({
  name: 'notes',
  subject: 'personId',
  tenant: 'teamId',
  purpose: 'to test',
  basis: 'contract',
  retention: 'account',
  fields: { personId: field.id(), teamId: field.id(), text: field.text('what was written', { max: 200 }) },
})

let folder: string
let database: TestDatabase
let surety: AnySurety
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surety-tenants-'))
  database = await startTestDatabase({ bare: true })
  const page = join(folder, 'security.md')
  await writeFile(page, PROMISES.map((id) => `[It is so](promise:${id}).\n`).join('\n'))
  const config = defineSurety({
    name: 'Notes',
    origin: 'notes.example',
    page,
    resources: { ...tenantResources, notes },
    roles: { administrator: ['notes:*:tenant', 'tenant_members:read:tenant'], member: ['notes:*:own'] },
  })
  surety = (await openSurety(config, {
    dataDir: join(folder, 'data'),
    server: database.server,
    name: `tenants-${createPseudonym().slice(0, 8)}`,
    logger: silentLogger,
    endsEpochs: false,
  })) as unknown as AnySurety
})
afterAll(async () => {
  await surety.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

test('a role that an organisation makes binds the next request over the real store and audit log', async () => {
  const tenants = surety.tenants!
  const [tenant, administrator, person] = [createPseudonym(), createPseudonym(), createPseudonym()]
  await tenants.members.found(tenant, administrator)
  const founder = (await tenants.principalOf(administrator))!
  const role = await tenants.roles.create(founder, { name: 'Reader', permissions: ['notes:read:tenant'] })
  await tenants.members.add(founder, person, ['member'])
  const text = 'a note of the founder'
  await surety
    .as(founder)
    .db.insertInto('notes')
    .values({ personId: administrator, text } as never)
    .execute()
  const asPerson = async () =>
    surety
      .as((await tenants.principalOf(person))!)
      .db.selectFrom('notes')
      .selectAll()
      .execute()
  expect(await asPerson()).toEqual([])
  await tenants.members.assign(founder, person, ['member', role.assignedAs])
  expect(await asPerson()).toMatchObject([{ text }])
  await tenants.roles.edit(founder, role.id, 1, { name: 'Reader', permissions: [] })
  expect(await asPerson()).toEqual([])
})

test('the promises about organisations are kept', async () => {
  const runs = await surety.probe({ site: null })
  expect(Object.fromEntries(runs.map(({ id, outcome }) => [id, outcome]))).toEqual(
    Object.fromEntries(PROMISES.map((id) => [id, 'kept'])),
  )
}, 120_000)
