// npm run check [-- GATE …]: the gates without the tests.
import { runGates } from './gates/run-gates.ts'

const { passed, failed } = await runGates(process.argv.slice(2))
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
