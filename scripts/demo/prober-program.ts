// node prober-program.ts CONFIG: `surety probe --watch`, once the parent process says so. Until then it
// reads the library, so that a demo's first measurement does not wait for that.
import { main } from '../../src/cli/main.ts'
import '../../src/cli/probe.ts'

const [config = ''] = process.argv.slice(2)
const { promise: told, resolve } = Promise.withResolvers<boolean>()
const orphaned = (): void => resolve(false)
process.once('disconnect', orphaned)
process.once('message', () => resolve(true))
if (await told) {
  process.off('disconnect', orphaned)
  process.exitCode = await main(['probe', '--watch', '--config', config])
}
