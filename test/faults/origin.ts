/** What the system is called in its logs; apart, so that the publisher starts without loading the rest. */
export const ORIGIN = 'faults.example'
