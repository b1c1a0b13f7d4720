import {
  absoluteDate,
  absoluteTime,
  badge,
  definitionList,
  hiddenText,
  html,
  inlineCode,
  timeAgo,
  trusted,
} from '../ui/index.ts'
import type { Child, Markup } from '../ui/index.ts'
import type { PromiseView, Replacement } from './model.ts'
import { badgePath } from './promise-badge.ts'
import {
  anchorOf,
  asSentence,
  kindSentence,
  kindWord,
  labelOf,
  STATUS_TONE,
  STATUS_WORD,
  UNBACKED_ADVICE,
  UNBACKED_KIND,
  UNBACKED_WORDS,
  valueText,
} from './words.ts'

const CHEVRON = trusted(
  '<svg class="chevron" viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 6l4.5 4.5L12.5 6"/></svg>',
)

/** What stands behind one sentence: folded to a line, opened to everything the log says. A broken one stands open. */
export function promiseCard(view: PromiseView, now: number, showSentence: boolean): Markup {
  return html`<details class="proof" id="${anchorOf(view.key)}"${view.status === 'broken' ? html` open` : null}><summary><span class="proof-line">
${showSentence ? html`<span class="proof-sentence" dir="auto">${view.sentence}</span>` : null}
${badge(STATUS_TONE[view.status], STATUS_WORD[view.status])}<span>${kindAndAge(view, now)}</span>
${showSentence ? null : hiddenText(view.sentence)}</span>${CHEVRON}</summary>
<div class="proof-body">${cardBody(view, now)}</div></details>`
}

function kindAndAge(view: PromiseView, now: number): Child {
  if (view.kind !== null && hasNothingBehind(view)) return UNBACKED_WORDS[view.kind]
  const kind = kindWord(view.kind, view.checkedBy)
  if (view.checkedAt !== null) return html`${kind} ${timeAgo(view.checkedAt, now)}`
  return view.kind === null ? kind : `${kind} · not checked yet`
}

/** True while no probe, person or provider stands behind a declared promise. */
function hasNothingBehind(view: PromiseView): boolean {
  return view.kind !== null && view.probe === null && view.checkedAt === null
}

function cardBody(view: PromiseView, now: number): Child[] {
  const wording = [
    view.rewordedOnPage
      ? html`<p>In the log this promise reads: <q dir="auto">${view.sentence}</q></p>`
      : null,
    view.replaced ? replacementNote(view.replaced) : null,
  ]
  if (view.status === 'unproven' && hasNothingBehind(view)) {
    return [...wording, html`<p>${UNBACKED_ADVICE}</p>`, facts(view, now), links(view)]
  }
  return [
    ...wording,
    view.status === 'kept' && view.observed ? null : html`<p>${asSentence(view.reason)}</p>`,
    view.observed ? observedPart(view) : null,
    view.cannotProve.length > 0
      ? html`<div><h4>What this cannot prove</h4><ul>${view.cannotProve.map((limit) => html`<li>${limit}</li>`)}</ul></div>`
      : null,
    facts(view, now),
    links(view),
  ]
}

function replacementNote(replaced: Replacement): Markup {
  const verb = { weakened: 'Weakened', strengthened: 'Strengthened', reworded: 'Reworded' }[
    replaced.direction
  ]
  return html`<p><strong>${verb} on ${absoluteDate(replaced.at)}.</strong>${
    replaced.sentence ? html` Before, it read: <q dir="auto">${replaced.sentence}</q>` : null
  }</p>`
}

function observedPart(view: PromiseView): Child {
  const observed = view.observed!
  const values = Object.entries(observed.values)
  return html`<div><h4>${view.status === 'unproven' ? 'Last observed' : 'What was observed'}</h4><p>${observed.summary}</p></div>
${
  values.length > 0
    ? html`<dl class="values">${values.map(
        ([name, value]) => html`<div><dt>${labelOf(name)}</dt><dd dir="auto">${valueText(value)}</dd></div>`,
      )}</dl>`
    : null
}`
}

function facts(view: PromiseView, now: number): Markup {
  const moment = (at: number): Child => html`${timeAgo(at, now)} (${absoluteTime(at)})`
  return definitionList([
    [
      'Kind of evidence',
      view.kind !== null && hasNothingBehind(view)
        ? UNBACKED_KIND[view.kind]
        : kindSentence(view.kind, view.checkedBy),
    ],
    ['Checked', view.checkedAt === null ? null : moment(view.checkedAt)],
    [
      'Counts until',
      view.validUntil === null || view.status !== 'kept'
        ? null
        : html`${moment(view.validUntil)}; after that it turns unproven by itself`,
    ],
    ['Promise', inlineCode(view.key)],
    ['Probe', view.probe === null ? null : inlineCode(view.probe)],
  ])
}

function links(view: PromiseView): Child {
  if (view.kind === null) return null
  const index = view.entryIndex
  return html`<p class="proof-links">${
    index === null
      ? null
      : html`<a href="/security/entries/${index}">Log entry ${index} (JSON)</a><a href="/security/proofs/${index}">Inclusion proof</a>`
  }<a href="/security/history#${anchorOf(view.key)}">History</a><a href="${badgePath(view.key)}">Badge (SVG)</a></p>`
}
