/** The bar on top, the foot, the main column, page headings. */
export const frame = `
.bar { width: 100%; max-width: 76rem; margin: 0 auto; padding: 0 var(--gap); }
.site-header { border-bottom: 1px solid var(--line); background: var(--surface); }
.site-header .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 2rem; min-height: 3.75rem; padding-block: 0.5rem; }
.site-name { font: 600 1.15rem/1.3 var(--serif); color: var(--text); text-decoration: none; padding: 0.35rem 0; }
.site-header nav { flex: 1; min-width: 0; }
.site-header nav ul { display: flex; flex-wrap: wrap; gap: 0 1.4rem; list-style: none; padding: 0; }
.site-header nav a {
  display: block; padding: 0.55rem 0; color: var(--muted); text-decoration: none; font-size: 0.95rem;
  border-bottom: 2px solid transparent;
}
.site-header nav a:hover { color: var(--text); border-color: var(--line); }
.site-header nav a[aria-current] { color: var(--text); font-weight: 600; border-color: var(--accent); }
.bar-end .button { min-height: 2.25rem; padding: 0.2rem 0.8rem; font-size: 0.95rem; font-weight: 500; }
main { flex: 1; width: 100%; max-width: 76rem; margin: 0 auto; padding: clamp(1.75rem, 1rem + 3vw, 4rem) var(--gap) 4rem; }
.lead strong { white-space: nowrap; }
main > * + * { margin-top: var(--gap); }
.page-heading { max-width: 52rem; margin-bottom: clamp(1.75rem, 1rem + 2vw, 3rem); }
.eyebrow { color: var(--muted); font-size: 0.875rem; margin-bottom: 0.6rem; }
.lead { font-size: clamp(1.05rem, 1rem + 0.35vw, 1.25rem); line-height: 1.5; color: var(--muted); margin-top: 1rem; text-wrap: pretty; }
.lead strong { color: var(--text); font-weight: 600; }
.site-footer { border-top: 1px solid var(--line); color: var(--muted); font-size: 0.9rem; }
.site-footer .bar { padding-block: 1.75rem; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.5rem 1.75rem; }
.site-footer a { color: inherit; padding-block: 0.2rem; }
main > .with-aside { margin-top: 0; }
main > .notice + .with-aside { margin-top: 2rem; }
.with-aside { display: grid; gap: 2.5rem clamp(2.5rem, 5vw, 5.5rem); grid-template-columns: minmax(0, 1fr); }
.stack > * + * { margin-top: var(--gap); }
@media (max-width: 39.99rem) {
  .site-header .bar { justify-content: space-between; padding-bottom: 0; row-gap: 0; }
  .site-header nav { order: 3; flex-basis: 100%; }
  .site-header nav ul { justify-content: flex-start; gap: 0 1.15rem; }
}
@media (min-width: 64rem) {
  .with-aside { grid-template-columns: minmax(0, var(--measure)) minmax(16rem, 21rem); grid-template-rows: auto 1fr; justify-content: space-between; }
  .with-aside { row-gap: var(--gap); }
  .with-aside > .aside-first { grid-column: 2; grid-row: 1; }
  .with-aside > .aside-second { grid-column: 2; grid-row: 2; }
  .with-aside > .column { grid-column: 1; grid-row: 1 / span 2; }
}
`
