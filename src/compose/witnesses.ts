import type { Logger } from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import type { Clock } from '../kernel/index.ts'
import { collectCosignatures, type CosignatureCollector, type EvidenceLog } from '../log/index.ts'
import { parseVerifierKey, parseWitnessKey } from '../verify/index.ts'

export interface WitnessesOptions {
  /** Folder of the evidence log. */
  readonly folder: string
  readonly log: EvidenceLog
  /** Only who publishes asks: a tool beside the server would ask for the same. */
  readonly mode: 'server' | 'tool'
  readonly clock: Clock
  readonly logger: Logger
}

/** Takes what the evidence log publishes to the configured witnesses, in the background. */
export function askWitnesses(
  { witnesses = [] }: SuretyConfig,
  { folder, log, mode, clock, logger }: WitnessesOptions,
): Promise<CosignatureCollector> {
  const asked = mode === 'server' ? witnesses : []
  return collectCosignatures({
    folder,
    key: parseVerifierKey(log.vkey),
    witnesses: asked.map(({ url, vkey }) => ({ url, key: parseWitnessKey(vkey) })),
    clock,
    logger,
  })
}
