/** Choices in forms: selects, groups of checkboxes; and plain lists in cards. */
export const choices = `
.field select {
  width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border: 1px solid var(--edge);
  border-radius: var(--radius); background: var(--surface); color: var(--text);
}
fieldset.field { border: 0; margin: 0; padding: 0; min-width: 0; }
.field legend { font-weight: 600; font-size: 0.95rem; padding: 0 0 0.35rem; }
.field .choice { display: flex; align-items: center; gap: 0.6rem; min-height: 2.75rem; font-weight: 400; }
.field .choice input { width: 1.25rem; height: 1.25rem; min-height: 0; margin: 0; accent-color: var(--accent); }
.card > ul:not([class]) { padding-inline-start: 1.2rem; }
.card > ul:not([class]) > li + li { margin-top: 0.4rem; }
.card > .attention { list-style: none; padding: 0; }
.attention > li { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 0.3rem 0.9rem; align-items: baseline; padding: 0.65rem 0; border-bottom: 1px solid var(--line); }
.attention > li:last-child { border-bottom: 0; padding-bottom: 0; }
.card > .attention > li + li { margin-top: 0; }
.attention .badge { justify-self: start; }
.word { overflow-wrap: break-word; }
@media (max-width: 43.99rem) { .attention > li { grid-template-columns: minmax(0, 1fr); } }
.card > .form + [data-challenge], .card > p + [data-challenge] { margin-top: 1.1rem; }
`
