/** Badges, cards, notices, lists of terms, buttons, code, tables. */
export const components = `
.glyph { width: 1em; height: 1em; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; vertical-align: -0.125em; }
.badge {
  display: inline-flex; align-items: center; gap: 0.35em; padding: 0.1rem 0.6rem 0.1rem 0.45rem;
  border-radius: 1rem; font-size: 0.8125rem; font-weight: 600; line-height: 1.5; white-space: nowrap;
}
.tone-good { color: var(--good); background: var(--good-ground); }
.tone-bad { color: var(--bad); background: var(--bad-ground); }
.tone-unsure { color: var(--unsure); background: var(--unsure-ground); }
.tone-neutral { color: var(--muted); background: var(--sunken); }

.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); padding: clamp(1.1rem, 0.9rem + 0.8vw, 1.6rem); }
.card + .card { margin-top: var(--gap); }
.card:target { border-color: var(--accent); }
.card-head { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0.4rem 1rem; margin-bottom: 0.9rem; }
.card-head > :first-child { min-width: 0; }
.card > p + *, .card > dl + *, .card > * + p { margin-top: 0.8rem; }

.notice { display: flex; gap: 0.75rem; padding: 0.85rem 1rem; border-radius: var(--radius); }
.notice > div { min-width: 0; }
.notice > .glyph { margin-top: 0.3em; }
.notice-title { font-weight: 600; }
.notice-body { color: var(--text); font-size: 0.95rem; margin-top: 0.2rem; }
.empty { border: 1px dashed var(--edge); border-radius: var(--radius); padding: clamp(1.5rem, 4vw, 3rem); max-width: var(--measure); color: var(--muted); }
.empty-title { font: 600 1.2rem/1.3 var(--serif); color: var(--text); margin-bottom: 0.4rem; }

.definitions { display: grid; gap: 0.7rem; }
.definitions dt { color: var(--muted); font-size: 0.8125rem; line-height: 1.4; }
.definitions dd { margin: 0; }
@media (min-width: 40rem) {
  .definitions.wide > div { display: grid; grid-template-columns: 10rem minmax(0, 1fr); gap: 1rem; align-items: baseline; }
}

.button {
  display: inline-flex; align-items: center; justify-content: center; gap: 0.5rem; min-height: 2.75rem; padding: 0.5rem 1.1rem;
  border: 1px solid var(--edge); border-radius: var(--radius); background: var(--surface); color: var(--text);
  font-weight: 600; text-decoration: none; cursor: pointer;
}
.button:hover { background: var(--sunken); }
.button-primary { background: var(--accent); border-color: var(--accent); color: var(--accent-text); }
.button-primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); }
.button-danger { color: var(--bad); border-color: var(--bad); }
.button:disabled { opacity: 0.6; cursor: progress; }

.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem 1.1rem; }

.disclosure summary { cursor: pointer; color: var(--accent); padding: 0.4rem 0; }
.disclosure-body { padding-top: 0.5rem; }
.hash { overflow-wrap: anywhere; }
.code-block, .command { background: var(--sunken); border: 1px solid var(--line); border-radius: var(--radius); padding: 0.8rem 1rem; font-size: 0.95rem; line-height: 1.5; }
.code-block { overflow-x: auto; }
p + .command { margin-top: 0.5rem; }
.command { white-space: pre-wrap; overflow-wrap: anywhere; }

.data-table { width: 100%; border-collapse: collapse; font-size: 0.95rem; line-height: 1.45; }
.data-table caption { text-align: start; color: var(--muted); font-size: 0.9rem; padding-bottom: 0.6rem; }
.data-table th, .data-table td { text-align: start; vertical-align: top; padding: 0.65rem 1rem 0.65rem 0; border-bottom: 1px solid var(--line); }
.data-table th:last-child, .data-table td:last-child { padding-inline-end: 0; }
.data-table thead th { color: var(--muted); font-size: 0.8125rem; font-weight: 600; overflow-wrap: normal; }
.data-table tbody th { font-weight: 600; min-width: 8.5rem; }
.data-table tbody tr:last-child > * { border-bottom: 0; }
.data-table .number { text-align: end; white-space: nowrap; }
.data-table p + p { margin-top: 0.3rem; }
@media (max-width: 43.99rem) {
  .data-table, .data-table tbody, .data-table tr, .data-table th, .data-table td { display: block; width: 100%; }
  .data-table caption { display: block; }
  .data-table thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .data-table tbody tr { border-bottom: 1px solid var(--line); padding: 0.85rem 0; }
  .data-table tbody tr:first-child { padding-top: 0; }
  .data-table tbody tr:last-child { border-bottom: 0; padding-bottom: 0; }
  .data-table tbody th, .data-table tbody td { border: 0; padding: 0.15rem 0; min-width: 0; }
  .data-table tbody td { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0.75rem; }
  .data-table tbody td::before { content: attr(data-label); color: var(--muted); font-size: 0.8125rem; padding-top: 0.1rem; }
  .data-table tbody td.number { text-align: start; white-space: normal; }
}
`
