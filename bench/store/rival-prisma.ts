import { randomBytes } from 'node:crypto'
import type { BenchDatabase } from '../log/server.ts'

/** The operations measured, which both rivals' clients have. */
export interface Heartbeats {
  createMany(input: { data: readonly object[] }): Promise<unknown>
  findFirst(input: { where: object }): Promise<{ readonly entity: string } | null>
}

/** What the bench uses of a Prisma client; its packages are not among this repository's own. */
interface Prisma {
  $extends(extension: unknown): Prisma
  $disconnect(): Promise<void>
  readonly heartbeat: Heartbeats
}

/** Fields that prisma-field-encryption seals, as its annotations in the schema say, and the hashed one. */
const SEALED: Readonly<Record<string, string>> = {
  entity: '@encrypted',
  project: '@encrypted',
  projectHash: '@encryption:hash(project)',
  branch: '@encrypted',
}

/** Prisma 7 no longer tells an extension what the schema documents: what it is to seal is said here. */
const DMMF = {
  datamodel: {
    models: [
      {
        name: 'Heartbeat',
        fields: ['id', ...Object.keys(SEALED)].map((name) => ({
          name,
          ...{ isList: false, isUnique: false, isId: name === 'id', type: 'String' },
          ...(SEALED[name] !== undefined && { documentation: SEALED[name] }),
        })),
      },
    ],
  },
}

/** Prisma with a pool of its own, sealing the fields that the governed store seals, each by itself. */
export async function openPrisma(
  load: (name: string) => Promise<Record<string, never>>,
  pool: BenchDatabase['owner'],
): Promise<{ heartbeats: Heartbeats; close: () => Promise<void> }> {
  await pool.query(`
    create table public.rival_sealed_heartbeats (
      id text primary key, "createdAt" timestamptz(3) not null, "personId" text not null, "teamId" text not null,
      entity text not null, project text not null, "projectHash" text, branch text not null, language text not null,
      time timestamptz(3) not null, seconds integer not null);
    create index on public.rival_sealed_heartbeats ("teamId", "projectHash");
    create index on public.rival_sealed_heartbeats ("teamId", "personId", time)`)
  const { PrismaPg } = (await load('@prisma/adapter-pg')) as Record<string, new (config: object) => unknown>
  const { PrismaClient } = (await load('@prisma/client')) as Record<string, new (options: object) => Prisma>
  const { fieldEncryptionExtension: sealing } = (await load('prisma-field-encryption')) as Record<
    string,
    (options: object) => unknown
  >
  const encryptionKey = `k1.aesgcm256.${randomBytes(32).toString('base64url')}=`
  const { host, port, user, password, database } = pool.options
  const client = new PrismaClient!({ adapter: new PrismaPg!({ host, port, user, password, database }) })
  const { heartbeat: heartbeats } = client.$extends(sealing!({ encryptionKey, dmmf: DMMF }))
  return { heartbeats, close: () => client.$disconnect() }
}
