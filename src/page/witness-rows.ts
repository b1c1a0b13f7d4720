import { exactTime, html } from '../ui/index.ts'
import type { Child } from '../ui/index.ts'
import type { EvidenceSnapshot, WitnessView } from './evidence.ts'
import { countOf } from './words.ts'

/** Who confirms that all visitors see the same log: a row for each witness, or that nobody does. */
export function witnessRows(evidence: EvidenceSnapshot): [term: string, value: Child][] {
  const { witnesses } = evidence
  const said = witnesses.filter(({ size, sawAnother }) => size !== null || sawAnother)
  if (said.length === 0) return [['Witness', nobody(witnesses)]]
  return witnesses.map((witness) => ['Witness', witnessLine(witness, evidence)])
}

function nobody(asked: readonly WitnessView[]): Child {
  const names = asked.map(({ name }) => name).join(', ')
  const why =
    names === ''
      ? 'Nobody else has confirmed that all visitors see the same log.'
      : `Asked, and no answer yet: ${names}.`
  return html`Unwitnessed: split views possible. <span class="small">${why}</span>`
}

function witnessLine({ name, cosignedAt, size, sawAnother }: WitnessView, evidence: EvidenceSnapshot): Child {
  if (sawAnother) {
    return html`<strong>${name} has seen another log than this one.</strong> <span class="small">It does not confirm what this page shows. Ask it what it saw.</span>`
  }
  if (cosignedAt !== null) {
    return html`${name} <span class="small">has seen this same log, ${exactTime(cosignedAt)}</span>`
  }
  if (size === null) return html`${name} <span class="small">has not confirmed this log yet</span>`
  const newer = evidence.size - size
  return html`${name} <span class="small">has seen the first ${countOf(size, 'entry', 'entries')} of this log, and not yet ${newer === 1 ? 'the newest one' : `the newest ${newer.toLocaleString('en')}`}</span>`
}
