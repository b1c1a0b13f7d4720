import {
  button,
  card,
  command,
  definitionList,
  exactTime,
  glyph,
  html,
  link,
  notice,
  pageHeading,
  proportionBar,
  shortHash,
} from '../ui/index.ts'
import type { Child, Markup } from '../ui/index.ts'
import type { Disclosure } from '../declare/index.ts'
import type { PromiseStatus } from '../verify/index.ts'
import type { Site } from './evidence.ts'
import { firstMeasurementNotice } from './first-measurement.ts'
import type { PageModel } from './model.ts'
import { promiseCard } from './promise-card.ts'
import { prose } from './prose.ts'
import { framed } from './site-frame.ts'
import type { FrameOptions } from './site-frame.ts'
import { witnessRows } from './witness-rows.ts'
import { anchorOf, countOf, STATUS_TONE, STATUS_WORD } from './words.ts'

/** Script of the "verify in this browser" button, where the site serves it. */
export interface VerifyIsland {
  readonly module: string
}

export interface SecurityViewOptions extends FrameOptions {
  readonly site: Site
  readonly model: PageModel
  readonly disclosure: Disclosure | null
  /** Null leaves the button out. */
  readonly island: VerifyIsland | null
}

/** `/security`. */
export function securityView(options: SecurityViewOptions): Markup {
  const { model, site, island } = options
  return framed(options, {
    title: model.page.title ?? 'Security',
    description: `What ${site.name} promises about security and data, and how each promise stands.`,
    current: '/security',
    ...(island ? { modules: [island.module] } : {}),
    content: [
      pageHeading({ title: model.page.title ?? `Security at ${site.name}`, lead: lead(model) }),
      firstMeasurementNotice(model),
      html`<div class="with-aside">
<aside class="aside-first" aria-label="How the promises stand">${standing(model)}</aside>
<div class="column">${prose(model)}${missing(model)}</div>
<aside class="aside-second stack" aria-label="Check it yourself">${checking(options)}${contact(options.disclosure)}</aside></div>`,
    ],
  })
}

function lead(model: PageModel): Child {
  const total = model.promises.size
  if (total === 0) return 'This page makes no promise that the running system is checked against yet.'
  const { kept, broken, unproven } = model.counts
  const rest = [
    broken > 0 ? html`, <strong><a href="#${firstBroken(model)}">${broken} broken</a></strong>` : null,
    unproven > 0 ? html`, ${unproven} not proven at the moment` : null,
  ]
  return html`Each marked sentence is a promise that the running system is checked against. <strong>${kept} of ${total} kept</strong>${rest}.`
}

/** Anchor of the first broken promise: on a phone it may be many screens down. */
function firstBroken({ promises }: PageModel): string {
  const broken = [...promises.values()].find(({ status }) => status === 'broken')
  return broken ? anchorOf(broken.key) : 'content'
}

const ORDER: readonly PromiseStatus[] = ['kept', 'broken', 'unproven']

function standing(model: PageModel): Markup {
  const { counts, evidence } = model
  const tones = ORDER.map((status) => ({ tone: STATUS_TONE[status], size: counts[status] }))
  const description = ORDER.map((status) => `${counts[status]} ${status}`).join(', ')
  return card({
    body: [
      html`<dl class="counts">${ORDER.map(
        (status) =>
          html`<div class="count-${STATUS_TONE[status]}${counts[status] === 0 ? ' count-none' : null}"><dt>${glyph(STATUS_TONE[status])}${STATUS_WORD[status]}</dt><dd>${counts[status]}</dd></div>`,
      )}</dl>`,
      proportionBar({ parts: tones, description }),
      definitionList([
        [
          'Evidence log',
          evidence.checkpoint === null ? 'No checkpoint published yet' : countedEntries(model),
        ],
        ...witnessRows(evidence),
        [
          'Withdrawn',
          model.withdrawn.length === 0
            ? null
            : link(
                '/security/history#withdrawn',
                `${countOf(model.withdrawn.length, 'promise')}, see the history`,
              ),
        ],
        ['This page was made', exactTime(model.generatedAt)],
      ]),
    ],
  })
}

function countedEntries({ evidence }: PageModel): Child {
  const size = evidence.size === 1 ? '1 entry' : `${evidence.size.toLocaleString('en')} entries`
  return evidence.rootHash === null ? size : html`${size}, root ${shortHash(evidence.rootHash)}`
}

function missing(model: PageModel): Child {
  if (model.missing.length === 0) return null
  return html`<section class="stack"><h2>Promised in the log, not on this page</h2>
${notice('unsure', 'The page leaves out promises that are in force', 'They were declared in the evidence log and not withdrawn there.')}
<div class="proofs">${model.missing.map((view) => promiseCard(view, model.generatedAt, true))}</div></section>`
}

function checking({ site, island, model }: SecurityViewOptions): Markup {
  const witnesses = model.evidence.witnesses
    .filter(({ size }) => size !== null)
    .map(({ vkey }) => ` --witness ${vkey}`)
  return card({
    title: 'Check it yourself',
    level: 2,
    body: [
      html`<p>Every result is an entry in a signed log that can only grow. An independent check reads all of it:</p>`,
      command(`npx surety verify ${site.url} --vkey ${site.vkey}${witnesses.join('')}`),
      html`<p class="small">${witnesses.length > 0 ? 'The keys here come from the site they check. Compare them with ones' : 'The key here comes from the site it checks. Compare it with one'} that reached you another way, such as your contract.</p>`,
      island ? verifyBox(site) : null,
    ],
  })
}

// Without script the button stays hidden; the island shows it.
function verifyBox(site: Site): Markup {
  return html`<div id="verify-box" data-command="npx surety verify ${site.url}" hidden>
${button('Verify in this browser', { type: 'button', id: 'verify-button' })}
<p class="verify-result" id="verify-result" role="status"></p><ol class="verify-steps" id="verify-steps"></ol>
<p class="small" id="verify-caution"></p></div>`
}

function contact(disclosure: Disclosure | null): Child {
  if (!disclosure) return null
  return card({
    title: 'Report a vulnerability',
    body: [
      html`<p>${disclosure.contact.map((uri, index) => html`${index > 0 ? html`<br>` : null}${link(uri, contactText(uri))}`)}</p>`,
      disclosure.policy ? html`<p>${link(disclosure.policy, 'Disclosure policy')}</p>` : null,
    ],
  })
}

function contactText(uri: string): string {
  return uri.replace(/^(?:mailto|tel):/, '').replace(/^https:\/\//, '')
}
