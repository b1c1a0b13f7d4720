/** Forms: one column, big enough for a thumb. */
export const forms = `
.narrow { max-width: 28rem; }
.narrow > * + * { margin-top: var(--gap); }
.form { display: grid; gap: 1.1rem; max-width: 28rem; }
.form + .form { margin-top: 1.6rem; }
.field { display: grid; gap: 0.35rem; }
.field label { font-weight: 600; font-size: 0.95rem; }
.field input {
  width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border: 1px solid var(--edge);
  border-radius: var(--radius); background: var(--surface); color: var(--text);
}
.field input[aria-invalid] { border-color: var(--bad); border-width: 2px; }
.field .hint { color: var(--muted); font-size: 0.875rem; line-height: 1.45; }
.field .problem { color: var(--bad); font-size: 0.9rem; }
.form > .button { justify-self: start; }
.code-list { columns: 13rem; column-gap: 1.5rem; white-space: nowrap; list-style: none; padding: 0; font: 0.95rem/2 var(--mono); }
.qr { display: block; width: 15rem; max-width: 100%; height: auto; }
.key { font: 1.05rem/1.6 var(--mono); letter-spacing: 0.05em; overflow-wrap: anywhere; }
.ways-in { list-style: none; padding: 0 0 1.5rem; border-bottom: 1px solid var(--line); }
.ways-in li + li { margin-top: 0.6rem; }
.rows { list-style: none; padding: 0; }
.card > .rows { margin-top: 0; }
.rows > li { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.6rem 1.5rem; padding: 0.85rem 0; border-bottom: 1px solid var(--line); }
.rows > li:last-child { border-bottom: 0; padding-bottom: 0; }
.rows > li:first-child { padding-top: 0; }
.rows > li > div { min-width: 0; }
.rows p + p { color: var(--muted); font-size: 0.9rem; }
`
