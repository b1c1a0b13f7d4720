/**
 * The gates: what the whole repository must hold before its tests count. Each says how many things it
 * looked at and fails when these are too few; a planted violation in `test/gates` proves that it bites.
 * They read the repository and change nothing in it but `dist/`.
 */
import { format, lint, types, unused } from './compilers.ts'
import { errors } from './errors.ts'
import { forbidden } from './forbidden.ts'
import type { Gate } from './gate.ts'
import { lockfile } from './lockfile.ts'
import { packaged } from './package.ts'
import { rooms } from './rooms.ts'
import { words } from './words.ts'

export const GATES: readonly Gate[] = [
  format,
  rooms,
  forbidden,
  words,
  lockfile,
  errors,
  lint,
  types,
  unused,
  packaged,
]
