#!/usr/bin/env node
// The command `surety`: plain JavaScript for Node 20. It finds a Node that is new enough and runs the
// command itself there: the sources in a clone, the built files in an installed package.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode, NODE_MAJOR } from './find-node.js'
import { runInPlace } from './run-node.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src', 'cli', 'main.ts')
const built = join(root, 'dist', 'cli', 'main.js')

// npm never publishes a lockfile, so a tree that has one is a clone. Node does not strip types under
// node_modules: an installed package runs its built files.
const isClone = existsSync(join(root, 'package-lock.json')) && existsSync(source)

const args = process.argv.slice(2)
if (isClone && !existsSync(join(root, 'node_modules'))) {
  fail('this clone is not set up yet: run "npm ci" in it (or "npm start", which does that first)')
} else if (!isClone && !existsSync(built)) {
  fail('this package has no built files: run "npm run build" in it, or install it again')
} else {
  const node = findNode(root)
  if (node === undefined) {
    fail(
      `needs Node ${NODE_MAJOR}, and this is ${process.version}: install Node ${NODE_MAJOR} or newer, or run` +
        ' "npm install" again without --omit=optional, which brings it where npm has it',
    )
  } else if (isClone) runInPlace(node, ['--conditions=surety-source', source, ...args])
  else runInPlace(node, [built, ...args])
}

function fail(message) {
  process.stderr.write(`surety: ${message}\n`)
  process.exitCode = 2
}
