// A reporter of vitest: keeps how many errors reached no test, which its JSON report does not tell.
import { writeFileSync } from 'node:fs'

export default class UnhandledErrors {
  onTestRunEnd(_modules, unhandledErrors) {
    writeFileSync(process.env.SURETY_UNHANDLED_ERRORS, String(unhandledErrors.length))
  }
}
