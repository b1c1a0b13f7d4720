import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serverLogFile, SHARED_BASE } from '../cluster.ts'
import { isWithin } from '../is-within.ts'
import { silentLogger } from '../logger.ts'
import { serverAccount } from '../server-account.ts'
import { findBinaries } from '../server-binaries.ts'
import { startServer } from '../server.ts'

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/clusters', import.meta.url))
const MAKER = fileURLToPath(new URL('../cluster.ts', import.meta.url))

/**
 * Puts a cluster that was made before into an empty data folder, so that a start finds what it would make
 * itself: making one takes a second and a half, copying it a tenth of one.
 *
 * It is made once for a version of Postgres, an account and what {@link MAKER} says, and lies beside what is
 * installed. Does nothing where there is none to copy (Windows, a temporary folder that is closed to the
 * server's account): a start then makes its own.
 */
export async function prepareCluster(dataDir: string): Promise<void> {
  if (process.platform === 'win32') return
  const made = join(CACHE, await nameOfCluster())
  if (!(await exists(made))) await makeCluster(made)
  if (await exists(made)) await copyFolder(made, dataDir)
}

async function nameOfCluster(): Promise<string> {
  const { version } = await findBinaries(await serverAccount(), SHARED_BASE)
  const maker = createHash('sha256').update(await readFile(MAKER))
  return `${version}-${process.getuid?.()}-${maker.digest('hex').slice(0, 16)}`
}

/** Whole or not at all; of two processes that make one at a time, the first one's stays. */
async function makeCluster(target: string): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'surety-cluster-')))
  const draft = `${target}.${process.pid}.draft`
  try {
    await chmod(folder, 0o755)
    const server = await startServer({ dataDir: folder, logger: silentLogger })
    await server.close()
    if (!isWithin(folder, server.databaseDir))
      return await rm(dirname(server.databaseDir), { recursive: true })
    await rm(serverLogFile(server.databaseDir))
    await copyFolder(folder, draft)
    await rename(draft, target).catch(async (error: unknown) => {
      if (!(await exists(target))) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

/** What a folder holds, with its owners. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await promisify(execFile)('cp', ['-a', `${from}/.`, to])
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
