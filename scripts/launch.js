// Runs a script of this repository under a Node that is new enough:
//
//   node --conditions=surety-source scripts/launch.js scripts/start.ts [arguments]
//
// Plain JavaScript for Node 20. Usually the pre script has installed everything and npm has found Node 24:
// then this only imports the script. Where npm skips pre scripts (ignore-scripts) it sets up first.
//
// What Node compiles lies beside what is installed, for the next process: reading the sources again would
// take longer than all else a start does.
import module from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runInPlace } from '../bin/run-node.js'
import { ensureInstalled } from './setup.js'

const CONDITION = '--conditions=surety-source'
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [script, ...args] = process.argv.slice(2)
if (script === undefined) {
  process.stderr.write('usage: node --conditions=surety-source scripts/launch.js <script> [arguments]\n')
  process.exit(2)
}
const target = resolve(root, script)

const node = await ensureInstalled()
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compiled')
module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE)
if (node === process.execPath && process.execArgv.includes(CONDITION)) {
  process.argv = [process.execPath, target, ...args]
  await import(pathToFileURL(target).href)
} else {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(
    process.platform === 'win32' ? ';' : ':',
  )
  process.env.PATH = path
  runInPlace(node, [CONDITION, target, ...args])
}
