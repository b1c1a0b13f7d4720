/**
 * Kernel: what every room stands on. Time, durations, ids, canonical bytes, the error base.
 * No `node:` import, no I/O: this room runs in browsers as it is.
 */
export * from './bytes.ts'
export * from './canonical-json.ts'
export * from './clock.ts'
export * from './duration.ts'
export * from './error.ts'
export * from './id.ts'
export * from './moment.ts'
