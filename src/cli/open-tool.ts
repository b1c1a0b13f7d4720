import { attachServer, silentLogger } from '../database/index.ts'
import type { SuretyConfig } from '../declare/index.ts'
import { hasCode } from '../kernel/index.ts'
import { openSurety, type AnySurety } from '../surety.ts'
import { textOption, type Invocation } from './command.ts'
import { CONFIG_OPTIONS, CONFIG_USAGE, loadConfig } from './load-config.ts'
import { readReady, type Ready, type ReadySystem } from './ready.ts'

/** Options of every command that joins a system. */
export const TOOL_OPTIONS = { ...CONFIG_OPTIONS, url: { type: 'string' } } as const
export const TOOL_USAGE = [
  ...CONFIG_USAGE,
  '  --url URL      where the app answers; default the running demo’s',
]

export interface Tool {
  readonly surety: AnySurety
  readonly config: SuretyConfig
  /** Where the app answers; null when nobody said. */
  readonly site: string | null
  /** The demo that this system is part of, or null. */
  readonly demo: { readonly ready: Ready; readonly system: ReadySystem } | null
  close(): Promise<void>
}

/**
 * Opens the configured system beside the server that runs it; where none runs, opens it alone, so
 * that a probe can still measure what needs no HTTP.
 */
export async function openTool(invocation: Invocation): Promise<Tool> {
  const { config, file } = await loadConfig(invocation)
  const ready = await readReady()
  const system = Object.values(ready?.systems ?? {}).find((candidate) => candidate.config === file)
  const demo = ready && system ? { ready, system } : null
  const surety = demo ? await joinDemo(config, demo.ready, demo.system) : await joinOrOpen(config)
  const site = textOption(invocation, 'url') ?? system?.url ?? null
  return { surety, config, site, demo, close: () => surety.close() }
}

async function joinDemo(config: SuretyConfig, ready: Ready, system: ReadySystem): Promise<AnySurety> {
  const server = await attachServer(ready.dataDir)
  const { dataDir, url } = system
  return openSurety(config, { mode: 'tool', server, dataDir, url, logger: silentLogger })
}

async function joinOrOpen(config: SuretyConfig): Promise<AnySurety> {
  try {
    return await openSurety(config, { mode: 'tool', logger: silentLogger })
  } catch (error) {
    const nobody = ['ERR_DATABASE_NOT_RUNNING', 'ERR_LOG_NOT_OPENED'].some((code) => hasCode(error, code))
    if (!nobody) throw error
    return openSurety(config, { mode: 'server', logger: silentLogger, endsEpochs: false })
  }
}
