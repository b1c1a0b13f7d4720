import { createHash } from 'node:crypto'

const text = `.codetime { flex: 1; display: flex; flex-direction: column; }
.codetime .ranges { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; padding: 0; margin: 0 0 var(--gap); }
.codetime .ranges a { display: inline-flex; align-items: center; min-height: 2.75rem; padding: 0 1rem; border: 1px solid var(--line); border-radius: 2rem; color: var(--muted); text-decoration: none; }
.codetime .ranges a:hover { color: var(--text); border-color: var(--edge); }
.codetime .ranges a[aria-current] { background: var(--text); border-color: var(--text); color: var(--paper); font-weight: 600; }
.codetime .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1.25rem var(--gap); margin-bottom: var(--gap); }
.codetime .figures div { border-top: 2px solid var(--line); padding-top: 0.7rem; display: flex; flex-direction: column; gap: 0.15rem; }
.codetime .figures dt { color: var(--muted); font-size: 0.875rem; }
.codetime .figures dd { margin: 0; font: 600 1.5rem/1.25 var(--serif); font-variant-numeric: lining-nums tabular-nums; }
.codetime .figures .aside { color: var(--muted); font: 0.875rem/1.4 var(--sans); }
.codetime .charts { display: grid; gap: var(--gap); grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); margin-top: var(--gap); align-items: start; }
.codetime .charts .card + .card { margin-top: 0; }
.codetime .file { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.codetime .path { color: var(--muted); font-size: 0.8125rem; font-weight: 400; line-height: 1.35; }
.codetime .session { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 1rem; font-size: 0.95rem; }
.codetime .narrow { max-width: var(--measure); }
.codetime .narrow > * + * { margin-top: 1.1rem; }
.codetime .aftermath { margin-top: var(--gap); color: var(--muted); max-width: var(--measure); }
.codetime p.aside { color: var(--muted); font-size: 0.9rem; }
.codetime .card > p + .rows, .codetime .rows + .form { margin-top: 1.1rem; }
.codetime .letter > * + * { margin-top: 0.8rem; }
.codetime .letter p { white-space: pre-line; max-width: var(--measure); }
.codetime .bar-value { min-width: 7rem; }
@media (min-width: 44rem) {
  .codetime .data-table thead th { white-space: nowrap; }
  .codetime .data-table tbody th { min-width: 5.5rem; }
  .codetime .data-table tbody td { min-width: 7.5rem; }
}
@media (min-width: 60rem) {
  .codetime #files { grid-row: span 3; }
}
@media (max-width: 43.99rem) {
  .codetime .site-header nav { order: 3; flex-basis: 100%; }
  .codetime .site-header .bar { justify-content: space-between; }
  .codetime .bar-chart tr { display: block; padding: 0.3rem 0; }
  .codetime .bar-chart th, .codetime .bar-chart td { display: block; width: 100%; padding: 0.1rem 0; }
  .codetime .axis { font-size: 0.6875rem; }
}
`

/** What the dashboard adds to the shared stylesheet; the path changes with the text. */
export const STYLES = {
  path: `/assets/codetime-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.css`,
  text,
} as const
