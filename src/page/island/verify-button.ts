/**
 * The "verify in this browser" button. Runs in the browser, served by the site that it checks: it
 * says so, and names the independent check. What it saw last stays in the browser's storage, so a
 * log that shrinks or forks between two visits is noticed.
 */
import { systemClock } from '../../kernel/index.ts'
import { STEPS, verifySite } from '../../verify/index.ts'
import type { VerificationReport, VerifierState, VerifyProgress } from '../../verify/index.ts'

const STORAGE_KEY = 'surety-log-state'
/** Refusals that rest on what an earlier visit saw. */
const REMEMBERED = new Set([
  'ERR_VERIFY_KEY_CHANGED',
  'ERR_VERIFY_ROLLBACK',
  'ERR_VERIFY_FORK',
  'ERR_VERIFY_RUN_STATE',
])

function part<Element extends HTMLElement>(id: string, type: new () => Element): Element {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new TypeError(`the page has no #${id}`)
  return element
}

const box = part('verify-box', HTMLElement)
const button = part('verify-button', HTMLButtonElement)
const steps = part('verify-steps', HTMLElement)
const result = part('verify-result', HTMLElement)
const caution = part('verify-caution', HTMLElement)

function addLine(text: string, look: 'done' | 'failed' | 'note' | ''): void {
  const item = document.createElement('li')
  item.textContent = text
  item.className = look
  steps.append(item)
}

// Storage may be switched off or hold anything; the verifier checks what it gets.
function recall(): unknown {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null')
  } catch {
    return null
  }
}

function remember(state: VerifierState | null): void {
  try {
    if (state) localStorage.setItem(STORAGE_KEY, JSON.stringify(state))
    else localStorage.removeItem(STORAGE_KEY)
  } catch {
    addLine('This browser keeps nothing for this site, so the next check starts anew.', 'note')
  }
}

function showProgress({ step, done, total }: VerifyProgress): void {
  const count = total > 0 ? ` (${done.toLocaleString('en')} of ${total.toLocaleString('en')})` : ''
  result.textContent = `${STEPS[step].title}${count} …`
}

function verdict(report: VerificationReport): string {
  const { kept, broken, unproven } = report.counts
  if (report.failure) return `The check could not run: ${report.failure.message}.`
  if (!report.valid) return 'The evidence is invalid.'
  return `The evidence is valid. The log itself says: ${kept} kept, ${broken} broken, ${unproven} unproven.`
}

function showReport(report: VerificationReport): void {
  steps.replaceChildren()
  for (const step of report.steps) {
    const look = { passed: 'done', failed: 'failed', skipped: '' } as const
    addLine(`${step.title}: ${step.detail}`, look[step.outcome])
  }
  for (const problem of report.problems)
    addLine(problem.message, problem.severity === 'invalid' ? 'failed' : 'note')
  for (const note of report.notes) addLine(note, 'note')
  if (report.keySource === 'served')
    addLine('The key came from this site: compare it with one you got elsewhere.', 'note')
  result.textContent = verdict(report)
  const code = report.failure?.code ?? report.problems[0]?.code
  if (code && REMEMBERED.has(code)) offerForgetting()
}

function offerForgetting(): void {
  const forget = document.createElement('button')
  forget.type = 'button'
  forget.className = 'button button-plain'
  forget.textContent = 'Forget what this browser saw before'
  forget.addEventListener('click', () => {
    remember(null)
    forget.remove()
  })
  result.after(forget)
}

async function run(): Promise<void> {
  button.disabled = true
  steps.replaceChildren()
  try {
    const report = await verifySite({
      fetch: (url, init) => fetch(url, init),
      url: location.origin,
      state: recall(),
      now: systemClock.now(),
      onProgress: showProgress,
    })
    showReport(report)
    if (report.valid) remember(report.state)
  } catch {
    result.textContent = 'The check stopped with an unexpected error. Use the independent check.'
  } finally {
    button.disabled = false
  }
}

caution.textContent = `This code was served by the site it checks. For an independent check run: ${box.dataset['command'] ?? ''}`
button.addEventListener('click', () => void run())
box.hidden = false
