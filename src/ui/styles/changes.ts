/** Forms that change something, one beside the other or in a table: as wide as what they hold. */
export const changes = `
.change { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.9rem; justify-items: start; }
.change > .data-table { justify-self: stretch; }
.change + .change, .disclosure + .change { margin-top: 0.9rem; }
.actions > .change { grid-template-columns: auto; }
.actions > .change + .change { margin-top: 0; }
.change .field { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.3rem; max-width: 100%; }
.change .field > label { font-weight: 600; font-size: 0.95rem; }
.change .field > input, .change .field > select, .change .field > textarea {
  width: 28rem; max-width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border: 1px solid var(--edge);
  border-radius: var(--radius); background: var(--surface); color: var(--text); font: inherit;
}
.change .field > textarea { font-family: var(--mono); line-height: 1.6; }
.change td .field > input, .change td .field > select { width: 12rem; }
.change fieldset { margin: 0; padding: 0; border: 0; min-width: 0; }
.change legend { font-weight: 600; font-size: 0.95rem; padding: 0; }
.check { display: flex; align-items: center; gap: 0.6rem; min-height: 2.5rem; overflow-wrap: anywhere; }
.check input { width: 1.15rem; height: 1.15rem; flex: none; accent-color: var(--accent); }
.data-table th small { color: var(--muted); font-weight: 400; }
.whole { white-space: nowrap; }
@media (min-width: 44rem) {
  .data-table .actions { flex-wrap: nowrap; }
}
.permission { display: flex; align-items: flex-start; gap: 0 1.1rem; }
.permission .check { min-height: 2.3rem; }
.change .hint { color: var(--muted); font-size: 0.875rem; }
`
