// Sets up what is missing, before `npm start` and `npm test`. Plain JavaScript for Node 20, without
// dependencies: it runs before anything is installed.
//
//   node scripts/setup.js          installs from the lockfile when needed
//   node scripts/setup.js --test   and looks for the tools that the tests use (a browser, Go)
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledNode, findNode, majorOf, NODE_MAJOR, platformPackage } from '../bin/find-node.js'
import { install } from './setup/install.js'
import { whyInstall } from './setup/installed.js'
import { withLock } from './setup/lock.js'
import { withProgress } from './setup/progress.js'

const OLDEST_NODE_MAJOR = 20
const root = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))))

/** Installs what is missing and returns the Node that runs the sources; explains and exits 1 otherwise. */
export async function ensureInstalled() {
  if (majorOf(process.version) < OLDEST_NODE_MAJOR) {
    stop(`this is Node ${process.version}`, `install Node ${OLDEST_NODE_MAJOR} or newer, then start again`)
  }
  if (whyInstall(root) !== undefined) await installOnce()
  const node = findNode(root)
  if (node === undefined) {
    const name = platformPackage()
    stop(
      `Node ${NODE_MAJOR} is needed, this is ${process.version}, and npm brought none`,
      name === undefined
        ? `install Node ${NODE_MAJOR} or newer: npm has no binary for ${process.platform} ${process.arch}`
        : `run "npm ci --include=optional" to get ${name}, or install Node ${NODE_MAJOR} or newer`,
    )
  }
  return node
}

async function installOnce() {
  const onWait = (pid) => say(`another set-up is at work (process ${pid}); waiting for it`)
  try {
    await withLock(join(root, '.setup.lock'), installWhenStillNeeded, { onWait })
  } catch (error) {
    if (error.output) process.stderr.write(`${error.output}\n`)
    if (error.advice !== undefined) stop(error.message, error.advice)
    if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM') {
      stop(`this user may not write to ${root}`, 'make it writable, or clone it again as this user')
    }
    if (error.code === 'ENOSPC') stop('the disk is full', 'free about 600 MB and start again')
    throw error
  }
}

async function installWhenStillNeeded() {
  const why = whyInstall(root)
  if (why === undefined) return
  await withProgress(`Setting up: ${why}; installing from the lockfile`, async (tell) => {
    const timer = setInterval(() => tell(`${countPackages()} packages`), 500)
    try {
      await install(root, tell)
    } finally {
      clearInterval(timer)
    }
  })
  dropUnusableNode()
}

function countPackages() {
  const modules = join(root, 'node_modules')
  const list = (folder) =>
    existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : []
  return list(modules).reduce(
    (sum, name) => sum + (name.startsWith('@') ? list(join(modules, name)).length : 1),
    0,
  )
}

// npm puts the binary of the platform's package first on the PATH of every script. Where it does not run
// (another C library), the link would hide a Node that does.
function dropUnusableNode() {
  const bundled = bundledNode(root)
  if (bundled === undefined) return
  const answer = spawnSync(bundled, ['--version'], { encoding: 'utf8' })
  if (answer.status === 0 && majorOf(answer.stdout) >= NODE_MAJOR) return
  rmSync(join(root, 'node_modules', '.bin', 'node'), { force: true })
  rmSync(bundled, { force: true })
  say('the Node that npm brought does not run on this system; using the one that is installed')
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function stop(reason, advice) {
  say(`\nSet-up stopped: ${reason}.\nWhat to do: ${advice}.`)
  process.exit(1)
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const node = await ensureInstalled()
  if (process.argv.includes('--test')) {
    const tools = spawnSync(node, [join(root, 'scripts', 'tools.ts')], { stdio: 'inherit' })
    process.exitCode = tools.status ?? 1
  }
}
