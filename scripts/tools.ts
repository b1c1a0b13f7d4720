// Looks for the tools that the tests use besides npm packages, and installs them where it may:
//   node scripts/tools.ts
import { canInstallPackages, installPackages } from './apt.ts'
import { findBrowser } from './browser.ts'
import { findGo } from './go.ts'
import { findRedis } from './redis.ts'
import { findSoftHsm } from './softhsm.ts'

interface Tool {
  name: string
  usedFor: string
  packages: readonly string[]
  find(): Promise<string | undefined>
}

const TOOLS: readonly Tool[] = [
  {
    name: 'Chromium',
    usedFor: 'the end-to-end tests',
    packages: ['chromium'],
    find: async () => findBrowser(),
  },
  {
    name: 'Go with golang.org/x/mod',
    usedFor: "the second opinion on the evidence log (Go's own log verifier)",
    packages: ['golang-go', 'golang-golang-x-mod-dev'],
    find: async () => findGo(),
  },
  {
    name: 'SoftHSM 2',
    usedFor: 'the tests of the PKCS#11 key provider',
    packages: ['softhsm2'],
    find: async () => findSoftHsm(),
  },
  {
    name: 'Redis',
    usedFor: 'the tests of failed sign-ins counted there',
    packages: ['redis-server'],
    find: async () => findRedis(),
  },
]

/** A tool that is missing, in words for whoever runs the tests. */
export interface MissingTool {
  name: string
  message: string
}

/** Installs what is missing where this process may, and says what is still missing. */
export async function ensureTools(): Promise<MissingTool[]> {
  const missing: MissingTool[] = []
  for (const tool of TOOLS) {
    const problem = await ensureTool(tool)
    if (problem !== undefined) missing.push({ name: tool.name, message: problem })
  }
  return missing
}

async function ensureTool(tool: Tool): Promise<string | undefined> {
  if ((await tool.find()) !== undefined) return undefined
  const byHand = `on Debian: sudo apt-get install ${tool.packages.join(' ')}`
  const missing = `${tool.name} is missing; it is used for ${tool.usedFor}`
  if (!canInstallPackages()) return `${missing} (${byHand})`
  const failure = await installPackages(tool.packages)
  if (failure === undefined && (await tool.find()) !== undefined) return undefined
  return `${missing} (${byHand}); apt-get said: ${failure ?? 'installed, but it was not found'}`
}

if (import.meta.main) {
  // Never fails: the tests themselves decide what a missing tool means (a failure in CI).
  for (const { message } of await ensureTools()) process.stderr.write(`${message}\n`)
}
