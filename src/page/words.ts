import type { EvidenceKind, PromiseStatus } from '../verify/index.ts'
import type { Tone } from '../ui/index.ts'

export const STATUS_TONE: Readonly<Record<PromiseStatus, Tone>> = {
  kept: 'good',
  broken: 'bad',
  unproven: 'unsure',
}
export const STATUS_WORD: Readonly<Record<PromiseStatus, string>> = {
  kept: 'Kept',
  broken: 'Broken',
  unproven: 'Unproven',
}

/** Kind of evidence in one or two words. */
export function kindWord(kind: EvidenceKind | null, checkedBy: 'self' | 'outside'): string {
  if (kind === null) return 'Not in the log yet'
  if (kind === 'measured') return checkedBy === 'outside' ? 'Measured from outside' : 'Measured'
  return kind === 'attested' ? 'Attested' : 'Inherited'
}

/** What the kind of evidence means for a reader. */
export function kindSentence(kind: EvidenceKind | null, checkedBy: 'self' | 'outside'): string {
  if (kind === null) return 'The evidence log does not have this promise yet, so nothing stands behind it.'
  if (kind === 'attested') return 'Attested: a person states it, with a date at which the statement ends.'
  if (kind === 'inherited') return 'Inherited: it rests on what a provider states.'
  return checkedBy === 'outside'
    ? 'Measured from outside: a probe observes what any stranger can observe.'
    : 'Measured: a probe run by the operator’s own system tries the outcome.'
}

/** What a declared promise says of itself while no probe, person or provider stands behind it. */
export const UNBACKED_WORDS: Readonly<Record<EvidenceKind, string>> = {
  measured: 'Nothing measures it yet',
  attested: 'Nobody has attested it yet',
  inherited: 'No provider’s word for it yet',
}
export const UNBACKED_KIND: Readonly<Record<EvidenceKind, string>> = {
  measured: 'None yet. A probe is meant to measure it.',
  attested: 'None yet. A person is meant to attest it, with a date at which that ends.',
  inherited: 'None yet. It is meant to rest on what a provider states.',
}
/** How to read such a promise. */
export const UNBACKED_ADVICE =
  'Nothing shows yet whether this holds. Read it as an intention until something does.'

/** `envelopesOpened` as `Envelopes opened`. */
export function labelOf(name: string): string {
  const words = name
    .replace(/[-_]+/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const numbers = new Intl.NumberFormat('en')

export function valueText(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' ? numbers.format(value) : value
}

/** `1 promise`, `2 promises`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${numbers.format(count)} ${count === 1 ? noun : plural}`
}

/** A clause from the log as a sentence of its own. */
export function asSentence(clause: string): string {
  const text = clause.charAt(0).toUpperCase() + clause.slice(1)
  return /[.!?…]$/.test(text) ? text : `${text}.`
}

/** Anchor of a promise on `/security` and on `/security/history`. */
export function anchorOf(key: string): string {
  return `p-${key}`
}
