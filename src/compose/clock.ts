import { isDuration, parseDuration, shiftedClock, systemClock, type Clock } from '../kernel/index.ts'
import { SuretyStartError } from './errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The clock that the environment asks for: the system's, or one ahead of it by `SURETY_CLOCK_OFFSET`.
 * @throws SuretyStartError `ERR_START_CLOCK` with `DATABASE_URL`, in production, or for anything but a duration
 */
export function clockFromEnvironment(environment: Environment = process.env): Clock {
  const offset = environment['SURETY_CLOCK_OFFSET']
  if (!offset) return systemClock
  const reason =
    (environment['DATABASE_URL'] && 'a database that others may share is no demo') ||
    (environment['NODE_ENV'] === 'production' && 'production runs on the real time') ||
    (!isDuration(offset) && 'it is not a duration')
  if (reason) throw new SuretyStartError('ERR_START_CLOCK', `SURETY_CLOCK_OFFSET is refused: ${reason}`)
  return shiftedClock(parseDuration(offset))
}
