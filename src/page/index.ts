/**
 * Page: `security.md` becomes the page that people read, with what stands behind each sentence.
 *
 * Promise: a sentence is never shown as kept unless the evidence log says so now; raw HTML and unsafe
 * links never reach a visitor; withdrawn and weakened promises stay visible.
 * How: the Markdown is parsed into a tree of our own, joined with the standings that `verify` derives
 * from the log, and rendered with `ui`'s components; `/security.json` comes from the same model.
 * Not here: running probes, deciding a status, serving HTTP.
 */
export type { Catalogue, CatalogueEntry } from './catalogue.ts'
export { dataView } from './data-view.ts'
export type { DataViewOptions, DroppedCount, OwnTable, RequestInput } from './data-view.ts'
export { errorView } from './error-view.ts'
export { PageError } from './errors.ts'
export type { EvidenceSnapshot, Site, WitnessView } from './evidence.ts'
export { buildHistory, historyJson } from './history.ts'
export type { HistoryJson, PromiseHistory, Successor } from './history.ts'
export { FEED_PATH, historyFeed } from './history-feed.ts'
export { historyView } from './history-view.ts'
export type { HistoryViewOptions } from './history-view.ts'
export { buildPageModel } from './model.ts'
export type { PageModel, PromiseView, Replacement } from './model.ts'
export { observedTrends } from './observed-trends.ts'
export type { ObservedTrends } from './observed-trends.ts'
export type { Block, Inline, PagePromise, SecurityPage } from './page-tree.ts'
export { parseSecurityPage } from './parse-security-page.ts'
export { badgePath, promiseBadge } from './promise-badge.ts'
export { formatPromiseKey, parsePromiseTarget } from './promise-link.ts'
export type { PromiseTarget } from './promise-link.ts'
export { securityJson } from './security-json.ts'
export type { PromiseJson, SecurityJson } from './security-json.ts'
export { securityTxt } from './security-txt.ts'
export { securityView } from './security-view.ts'
export type { SecurityViewOptions, VerifyIsland } from './security-view.ts'
export type { FrameOptions } from './site-frame.ts'
export { subprocessorsView } from './subprocessors-view.ts'
export { findUnbound } from './unbound.ts'
export type { UnboundSentence } from './unbound.ts'
