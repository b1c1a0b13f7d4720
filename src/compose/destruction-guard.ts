import { DatabaseError, type ClockAgreement, type Logger } from '../database/index.ts'

/** Asked before anything is destroyed because its time has come; false while something speaks against it. */
export type MayDestroy = () => Promise<boolean>

/**
 * Nothing is destroyed while the clocks disagree. That is told once, and once more when they agree again.
 * @throws whatever else keeps the clocks from being compared
 */
export function createDestructionGuard(
  clocks: Pick<ClockAgreement, 'assertAgree'>,
  logger: Pick<Logger, 'error' | 'info'>,
): MayDestroy {
  let alarmed = false
  return async () => {
    try {
      await clocks.assertAgree()
    } catch (err) {
      if (!(err instanceof DatabaseError) || err.code !== 'ERR_DATABASE_CLOCKS') throw err
      if (!alarmed) logger.error({ err }, 'the clocks disagree: audit bodies and log files are kept')
      alarmed = true
      return false
    }
    if (alarmed) logger.info({}, 'the clocks agree again')
    alarmed = false
    return true
  }
}
