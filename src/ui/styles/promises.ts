/** The security page: prose with promises marked in place, and what stands behind each. */
export const promises = `
.prose { font-size: 1.0625rem; line-height: 1.65; }
.prose > * + * { margin-top: 1.1rem; }
.prose > h2 { margin-top: 2.75rem; }
.prose > h3, .prose > h4 { margin-top: 2rem; }
.prose > :first-child { margin-top: 0; }
.prose ul, .prose ol { padding-inline-start: 1.4rem; }
.prose li + li { margin-top: 0.6rem; }
.prose ul:has(> li > .proofs) { padding-inline-start: 0; }
.prose ul:has(> li > .proofs) > li + li { margin-top: 1.1rem; }
.prose ul > li:has(> .proofs) { list-style-type: ''; }
.prose ul:has(> li > .proofs) > li:not(:has(> .proofs)) { margin-inline-start: 1.4rem; }
.prose li > * + * { margin-top: 0.6rem; }
.prose blockquote { border-inline-start: 0.2rem solid var(--line); padding-inline-start: 1.1rem; color: var(--muted); }
.prose blockquote > * + * { margin-top: 0.8rem; }
.prose .code-block { font-size: 0.9rem; }
.promise { padding: 0.05em 0.12em; border-radius: 0.2em; box-decoration-break: clone; -webkit-box-decoration-break: clone; text-decoration: underline 0.11em; text-underline-offset: 0.24em; }
.promise .glyph { margin-inline-end: 0.28em; width: 0.85em; height: 0.85em; stroke-width: 2.6; }
.promise.is-good { text-decoration-color: var(--good); } .promise.is-good .glyph { color: var(--good); }
.promise.is-bad { text-decoration-color: var(--bad); background: var(--bad-ground); } .promise.is-bad .glyph { color: var(--bad); }
.promise.is-unsure { text-decoration-color: var(--unsure); text-decoration-style: dashed; } .promise.is-unsure .glyph { color: var(--unsure); }

.proofs { display: grid; gap: 0.4rem; margin-top: 0.6rem; }
.proof { border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); font-size: 0.9375rem; line-height: 1.5; scroll-margin-top: min(12rem, 30vh); }
.proof:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.proof > summary { display: flex; align-items: flex-start; gap: 0.75rem; padding: 0.6rem 0.8rem; cursor: pointer; list-style: none; border-radius: var(--radius); }
.proof > summary::-webkit-details-marker { display: none; }
.proof > summary:hover { background: var(--sunken); }
.proof-line { flex: 1; min-width: 0; display: flex; flex-wrap: wrap; align-items: center; gap: 0.2rem 0.75rem; color: var(--muted); }
.proof-sentence { flex-basis: 100%; color: var(--text); font-weight: 500; }
.chevron { flex: none; width: 1rem; height: 1rem; margin-top: 0.25rem; fill: none; stroke: var(--muted); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.proof[open] > summary > .chevron { transform: rotate(180deg); }
.proof[open] > summary { border-bottom: 1px solid var(--line); border-radius: var(--radius) var(--radius) 0 0; }
.proof-body { padding: 1rem 0.9rem 1.1rem; }
.proof-body > * + * { margin-top: 1rem; }
.proof-body h4 { font: 600 0.8125rem/1.4 var(--sans); letter-spacing: 0; color: var(--muted); }
.proof-body ul { margin-top: 0.3rem; padding-inline-start: 1.2rem; }
.proof-links { display: flex; flex-wrap: wrap; gap: 0 1.25rem; padding-top: 0.6rem; border-top: 1px solid var(--line); }
.proof-links a { padding-block: 0.3rem; }
.values { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(8rem, 100%), 1fr)); gap: 0.6rem 1.25rem; padding: 0.75rem 0.9rem; border-radius: 0.4rem; background: var(--sunken); }
.values dt { color: var(--muted); font-size: 0.8125rem; line-height: 1.35; }
.values dd { margin: 0; font-weight: 600; }

.counts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.5rem; margin-bottom: 0.9rem; }
.counts div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.counts dt { display: flex; align-items: center; gap: 0.3rem; font-size: 0.875rem; color: var(--muted); }
.counts dd { margin: 0; font: 600 2.25rem/1.1 var(--serif); font-variant-numeric: lining-nums tabular-nums; }
.counts .glyph { stroke-width: 2.4; }
.count-good .glyph { color: var(--good); } .count-bad .glyph { color: var(--bad); } .count-unsure .glyph { color: var(--unsure); }
.counts .count-bad:not(.count-none) dd { color: var(--bad); }
.aside-first .definitions, .aside-second .definitions { font-size: 0.9375rem; margin-top: 1.1rem; }
.aside-second { font-size: 0.9375rem; }
.small { font-size: 0.875rem; color: var(--muted); line-height: 1.5; }
.verify-steps { list-style: none; padding: 0; margin-top: 0.9rem; display: grid; gap: 0.45rem; font-size: 0.9rem; line-height: 1.4; }
.verify-steps li { display: grid; grid-template-columns: 1rem minmax(0, 1fr); gap: 0.5rem; }
.verify-steps li::before { content: '·'; color: var(--muted); font-weight: 700; text-align: center; }
.verify-steps .done::before { content: '✓'; color: var(--good); }
.verify-steps .failed::before { content: '✕'; color: var(--bad); }
.verify-steps .note::before { content: '?'; color: var(--unsure); }
.verify-steps .failed { color: var(--bad); }
.verify-result { font-weight: 600; margin-top: 0.9rem; }
.verify-result:empty { margin: 0; }
#verify-box { margin-top: 1.1rem; }
#verify-box .button { width: 100%; }
#verify-caution { margin-top: 0.9rem; }
[hidden] { display: none !important; }
.history-events { margin: 0.9rem 0 0; }
.anchor-line { color: var(--muted); font-size: 0.875rem; }
.card .timeline { margin: 0.9rem 0; }
`
