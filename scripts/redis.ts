import { findOnPath } from './executable.ts'

/** Path of Redis' server, else `undefined`. */
export function findRedis(): string | undefined {
  return findOnPath(['redis-server'])
}
