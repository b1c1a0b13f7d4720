// Installs from the lockfile with npm, and explains what went wrong. Plain JavaScript for Node 20.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, delimiter, dirname, join, sep } from 'node:path'

const NPM_ARGS = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--no-progress']
const KEPT_OUTPUT_CHARS = 20_000

/** An installation that failed, with what to do about it. */
export class InstallError extends Error {
  constructor(reason, advice, output) {
    super(reason)
    this.advice = advice
    this.output = output
  }
}

/**
 * Runs `npm ci` in `root`.
 *
 * @param say called with npm's newest line, for the progress display
 * @throws InstallError with an advice when npm cannot be run or fails
 */
export async function install(root, say, env = process.env) {
  const { command, args, shell } = npmCommand(root, env)
  const output = await run(
    command,
    [...args, ...NPM_ARGS],
    { cwd: root, env: npmEnvironment(root, env), shell },
    say,
  )
  if (output.code !== 0) throw explain(output.text)
}

/**
 * How to start npm: by the npm that started us, under a Node outside `root/node_modules` (npm is about to
 * replace that folder), else by the npm beside that Node, else by the name `npm`.
 */
export function npmCommand(root, env = process.env, execPath = process.execPath) {
  const node = [
    execPath,
    env.npm_node_execpath,
    ...onPath(env, process.platform === 'win32' ? 'node.exe' : 'node'),
  ].find((path) => path !== undefined && existsSync(path) && !isInside(path, join(root, 'node_modules')))
  const cli = [
    env.npm_execpath,
    node && join(dirname(node), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    node && join(dirname(node), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ].find((path) => path && /^npm-cli\.c?js$/.test(basename(path)) && existsSync(path))
  if (node !== undefined && cli !== undefined) return { command: node, args: [cli], shell: false }
  return process.platform === 'win32'
    ? { command: 'npm.cmd', args: [], shell: true }
    : { command: 'npm', args: [], shell: false }
}

// npm hands its command line down as npm_config_*: what was meant for the script that is starting must not
// steer this installation. Registry, proxy and the like stay, and so does ignore-scripts.
const NOT_INHERITED = [
  'omit',
  'include',
  'only',
  'production',
  'global',
  'prefix',
  'dry_run',
  'workspace',
  'workspaces',
  'include_workspace_root',
  'package_lock',
  'package_lock_only',
  'json',
  'parseable',
]

function npmEnvironment(root, env) {
  const own = { ...env }
  for (const name of NOT_INHERITED) delete own[`npm_config_${name}`]
  delete own.NODE_OPTIONS
  const outside = onPathFolders(env).filter((folder) => !isInside(folder, join(root, 'node_modules')))
  own.PATH = outside.join(delimiter)
  return own
}

function onPathFolders(env) {
  return (env.PATH ?? env.Path ?? '').split(delimiter).filter((folder) => folder !== '')
}

function onPath(env, name) {
  return onPathFolders(env).map((folder) => join(folder, name))
}

function isInside(path, folder) {
  return path === folder || path.startsWith(folder + sep)
}

function run(command, args, options, say) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    const take = (chunk) => {
      text = (text + chunk).slice(-KEPT_OUTPUT_CHARS)
      const last = String(chunk).trim().split('\n').at(-1)
      if (last && !last.startsWith('npm warn')) say(last.slice(0, 60))
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => {
      reject(
        new InstallError(
          `npm cannot be started (${error.code ?? error.message})`,
          'install npm (it comes with Node) and see that it is on the PATH',
          '',
        ),
      )
    })
    const stopChild = (signal) => {
      child.kill(signal)
      child.on('close', () => process.kill(process.pid, signal))
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.once(signal, stopChild)
    child.on('close', (code) => {
      for (const signal of signals) process.removeListener(signal, stopChild)
      resolve({ code: code ?? 1, text })
    })
  })
}

/** What npm's output of a failed installation means, and what to do. Order matters: the first match wins. */
const CAUSES = [
  [/ENOSPC/, 'the disk is full', 'free about 600 MB and start again'],
  [
    /EACCES|EPERM|EROFS/,
    'this user may not write here',
    'make the folder writable for this user, or clone it again as this user; files of an earlier run as root are removed with "sudo rm -rf node_modules"',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|network/i,
    'the npm registry cannot be reached',
    'check the network, the proxy (npm config get proxy) and the registry (npm config get registry), then start again',
  ],
  [
    /EINTEGRITY/,
    'a downloaded package is not the one the lockfile names',
    'run "npm cache verify" and start again; if it stays, the registry serves something else than was reviewed',
  ],
  [
    /E401|E403|ENEEDAUTH/,
    'the npm registry refuses this machine',
    'check the registry and its sign-in in .npmrc',
  ],
  [
    /EUSAGE|in sync/,
    'package.json and package-lock.json do not belong together',
    'run "npm install", look at what changed, and commit both files',
  ],
  [/EBADENGINE|Unsupported engine/, 'this Node is too old for a package', 'install Node 24 and start again'],
]

/** Turns npm's output into an error that says what to do. */
export function explain(text) {
  const [, reason, advice] = CAUSES.find(([pattern]) => pattern.test(text)) ?? [
    undefined,
    'npm could not install',
    'read its words above; "npm ci" shows them in full',
  ]
  return new InstallError(reason, advice, errorsOf(text))
}

const SHOWN_LINES = 12

// npm writes its reason first and its manual after it; its warnings are about other things.
function errorsOf(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line.trim() !== 'npm error')
  const errors = lines.filter((line) => line.startsWith('npm error'))
  const shown = errors.length > 0 ? errors.slice(0, SHOWN_LINES) : lines.slice(-SHOWN_LINES)
  return shown.join('\n')
}
