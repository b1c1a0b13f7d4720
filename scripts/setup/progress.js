// Shows what a long step is doing and for how long. Plain JavaScript for Node 20.

const TICK_MS = 250
const QUIET_LINE_MS = 5_000

/**
 * Runs `work(say)` under a line that shows the newest `say(text)` and the elapsed seconds.
 *
 * @template T
 * @param {string} title
 * @param {(say: (text: string) => void) => Promise<T>} work
 * @param {{ isTTY?: boolean, columns?: number, write(text: string): unknown }} out
 * @returns {Promise<T>}
 */
export async function withProgress(title, work, out = process.stderr) {
  const started = performance.now()
  let doing = title
  let lastLine = 0
  const elapsed = () => performance.now() - started
  const show = () => {
    if (out.isTTY) out.write(`\r\u001b[2K${line(doing, elapsed())}`.slice(0, (out.columns ?? 80) + 5))
    else if (elapsed() - lastLine >= QUIET_LINE_MS) {
      lastLine = elapsed()
      out.write(`${line(doing, elapsed())}\n`)
    }
  }
  if (out.isTTY) show()
  else out.write(`${title} …\n`)
  const timer = setInterval(show, TICK_MS)
  try {
    return await work((text) => {
      doing = `${title}: ${text}`
    })
  } finally {
    clearInterval(timer)
    if (out.isTTY) out.write('\r\u001b[2K')
    out.write(`${line(title, elapsed())}\n`)
  }
}

function line(text, ms) {
  return `${text} (${(ms / 1000).toFixed(1)} s)`
}
