import type { SuretyConfig } from '../declare/index.ts'

/** The default name of a system's database. */
export function systemName(config: SuretyConfig): string {
  return (
    config.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^[-0-9]+|-+$/g, '')
      .slice(0, 50) || 'surety'
  )
}
