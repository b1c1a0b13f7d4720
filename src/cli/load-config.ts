import { access, readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { SuretyConfig } from '../declare/index.ts'
import { SuretyError } from '../kernel/index.ts'
import { textOption, type Invocation } from './command.ts'
import { CliError } from './errors.ts'
import { readReady } from './ready.ts'

/** Options of every command that reads a configuration. */
export const CONFIG_OPTIONS = { config: { type: 'string' }, system: { type: 'string' } } as const

export const CONFIG_USAGE = [
  '  --config FILE  the configuration; default ./surety.config.ts, else the running demo’s',
  '  --system NAME  which system of a running demo; default the only one',
]

export interface LoadedConfig {
  readonly config: SuretyConfig
  readonly file: string
  /** Absolute path of the security page. */
  readonly page: string
  /** The page as it is best shown: from the working directory. */
  readonly pageShown: string
}

/** The configuration that a command is about. @throws CliError `ERR_CLI_CONFIG` */
export async function loadConfig(invocation: Invocation): Promise<LoadedConfig> {
  const file = await findConfig(invocation)
  const config = await importConfig(file)
  const page = config.page instanceof URL ? fileURLToPath(config.page) : resolve(config.page)
  return { config, file, page, pageShown: relative(process.cwd(), page) }
}

/** Text of the security page. @throws CliError `ERR_CLI_CONFIG` */
export async function readPage({ page, pageShown }: LoadedConfig): Promise<string> {
  try {
    return await readFile(page, 'utf8')
  } catch (cause) {
    throw new CliError('ERR_CLI_CONFIG', `the security page ${pageShown} cannot be read`, {
      cause,
      mend: 'correct page: in surety.config',
    })
  }
}

async function findConfig(invocation: Invocation): Promise<string> {
  const named = textOption(invocation, 'config')
  if (named !== undefined) return resolve(named)
  for (const name of ['surety.config.ts', 'surety.config.js']) {
    const file = resolve(name)
    if (await exists(file)) return file
  }
  const ready = await readReady()
  const systems = Object.entries(ready?.systems ?? {})
  const name = textOption(invocation, 'system')
  const [system] =
    name === undefined && systems.length === 1 ? systems : systems.filter(([known]) => known === name)
  if (system) return system[1].config
  const known = systems.map(([each]) => each).join(', ')
  if (known) {
    throw new CliError('ERR_CLI_CONFIG', 'it is not clear which system of the demo is meant', {
      mend: `name one with --system: ${known}`,
    })
  }
  throw new CliError('ERR_CLI_CONFIG', 'there is no surety.config.ts here, and no demo runs', {
    mend: 'run it where surety.config.ts lies, give its path with --config, or start the demo with npm start (and the same SURETY_DATA, where you set one)',
  })
}

async function importConfig(file: string): Promise<SuretyConfig> {
  if (!(await exists(file))) throw new CliError('ERR_CLI_CONFIG', `there is no file ${file}`)
  try {
    const module: { default?: SuretyConfig } = await import(pathToFileURL(file).href)
    if (module.default) return module.default
  } catch (cause) {
    // A refusal of the data map already says what to mend.
    if (cause instanceof SuretyError) throw cause
    throw new CliError(
      'ERR_CLI_CONFIG',
      `${file} cannot be loaded: ${cause instanceof Error ? cause.message : 'it failed'}`,
      { cause },
    )
  }
  throw new CliError('ERR_CLI_CONFIG', `${file} has no default export`, {
    mend: 'export default defineSurety({ … })',
  })
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
