// Runs a child Node in the place of this process: plain JavaScript for Node 20, no dependencies.
import { spawn } from 'node:child_process'

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']

/**
 * Runs `node args…` with this process's input, output and environment, passes signals on, and ends this
 * process as the child ended: with its exit code, or by its signal.
 */
export function runInPlace(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  for (const signal of FORWARDED) process.on(signal, () => forward(child, signal))
  child.on('error', (error) => {
    process.stderr.write(`surety: cannot start ${node}: ${error.message}\n`)
    process.exit(2)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 2)
    for (const name of FORWARDED) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

// A terminal sends Ctrl-C to the whole group: the child has it already, and a second one means "now".
function forward(child, signal) {
  if (signal === 'SIGINT' && process.stdin.isTTY) return
  child.kill(signal)
}
