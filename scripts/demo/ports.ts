const DEFAULT_PORT = 4_000
/** Keeps room for the systems above it. */
const HIGHEST_BASE = 65_000

/**
 * The port of the overview, from `PORT`; default 4000. 0 lets the machine choose every port.
 * @throws RangeError for anything but a whole number from 0 to 65000
 */
export function basePort(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= HIGHEST_BASE) return port
  throw new RangeError(`PORT is ${JSON.stringify(text)}: it takes a whole number from 0 to ${HIGHEST_BASE}`)
}

/** The port of a system: at its usual distance above the overview's, or 0 with that. */
export function systemPort(base: number, offset: number): number {
  return base === 0 ? 0 : base + offset
}

/** The identity provider's distance above the overview: behind all systems. */
export const IDENTITY_PROVIDER_OFFSET = 9
