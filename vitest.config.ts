import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/longest-first.ts'

const CONDITIONS = ['surety-source']
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false'

// What Node compiles lies beside what is installed, for the hundreds of processes that tests start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

export default defineConfig({
  resolve: { conditions: CONDITIONS },
  ssr: { resolve: { conditions: CONDITIONS, externalConditions: CONDITIONS } },
  test: {
    include: ['{src,scripts,bin,test,examples,bench}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    // Each file in a process of its own: databases, servers and signal handlers do not meet.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    execArgv: CONDITIONS.map((condition) => `--conditions=${condition}`),
    allowOnly: !isCi,
    // Limits for a machine that is five times slower, and busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
