import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/longest-first.ts'

const CONDITIONS = ['surety-source']
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false'

// What Node compiles lies beside what is installed, for the hundreds of processes that tests start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

const shared = {
  environment: 'node',
  // Each file in a process of its own: databases, servers and signal handlers do not meet.
  pool: 'forks',
  execArgv: CONDITIONS.map((condition) => `--conditions=${condition}`),
  testTimeout: 30_000,
  hookTimeout: 60_000,
  teardownTimeout: 20_000,
} as const

export default defineConfig({
  resolve: { conditions: CONDITIONS },
  ssr: { resolve: { conditions: CONDITIONS, externalConditions: CONDITIONS } },
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    allowOnly: !isCi,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'unit',
          include: ['{src,scripts,bin,test,examples,bench}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'test/e2e/**', 'test/faults/**'],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'system',
          include: ['test/{e2e,faults}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
