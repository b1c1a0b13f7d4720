import type { Database } from '../../database/index.ts'
import type { Terminal } from '../terminal.ts'
import type { Tool } from '../open-tool.ts'

/** What an attack is carried out on: a running demo, and never anything else. */
export interface Target {
  readonly tool: Tool
  readonly database: Database
  readonly url: string
  readonly evidenceFolder: string
  readonly signingKey: string
  readonly auditFolder: string
  readonly auditSigningKey: string
  readonly terminal: Terminal
}

/** What noticed an attack. */
export interface Caught {
  /** The promise or the verification that noticed. */
  readonly by: string
  readonly saw: string
  /** What `surety verify` exits with now: 1 a promise is broken, 3 the evidence is invalid. */
  readonly verifyExit: number
  /** Entries under the checkpoint that carries the finding; null where the log itself was attacked. */
  readonly logSize: number | null
  /** What each who looked saw, where the log or the page was forged; else empty. */
  readonly views: readonly View[]
}

/** Somebody who looks at a system after an attack. */
export interface View {
  readonly by: 'surety verify' | 'surety verify --vkey' | 'surety verify --state' | 'a witness' | 'the page'
  /** What their `surety verify` exits with; null for whoever runs none. */
  readonly exit: number | null
  /** What they noticed; null where nothing. */
  readonly saw: string | null
}

/** Something that a person with the operator's power could do. */
export interface Attack {
  readonly name: string
  /** What it does, in one line. */
  readonly does: string
  /** Carries it out and says what it changed. */
  carryOut(target: Target): Promise<string>
  /** What noticed; null when nothing did. */
  detect(target: Target): Promise<Caught | null>
}
