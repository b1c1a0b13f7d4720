import { customProperties, dark, light } from '../tokens.ts'

/** Tokens, page ground, type, links, focus, motion. */
export const base = `
:root {
  color-scheme: light dark;
  ${customProperties(light)}
  --sans: -apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', system-ui, sans-serif;
  --serif: 'Iowan Old Style', Charter, 'Palatino Linotype', Palatino, 'Noto Serif', 'Source Serif 4', Georgia, 'Liberation Serif', serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Code', 'Liberation Mono', Menlo, Consolas, monospace;
  --gap: clamp(1rem, 0.7rem + 1.4vw, 1.75rem);
  --radius: 0.625rem;
  --measure: 42rem;
}
@media screen and (prefers-color-scheme: dark) {
  :root { ${customProperties(dark)} }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1.5rem; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column;
  background: var(--paper); color: var(--text);
  font: 1rem/1.6 var(--sans); overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; text-rendering: optimizeLegibility;
}
h1, h2, h3, h4, h5, h6 {
  font-family: var(--serif); font-weight: 600; line-height: 1.2; margin: 0;
  text-wrap: balance; letter-spacing: -0.005em;
}
h1 { font-size: clamp(2rem, 1.5rem + 2.2vw, 3rem); letter-spacing: -0.015em; }
h2 { font-size: 1.5rem; }
h3 { font-size: 1.2rem; }
h4, h5, h6 { font-size: 1.05rem; }
p, ul, ol, dl, blockquote, figure, pre, table { margin: 0; }
a { color: var(--accent); text-decoration-thickness: 0.06em; text-underline-offset: 0.18em; }
a:hover { text-decoration-thickness: 0.12em; }
:focus-visible { outline: 0.1875rem solid var(--accent); outline-offset: 0.1875rem; border-radius: 0.25rem; }
main:focus { outline: none; }
code { font-family: var(--mono); font-size: 0.875em; }
:not(pre) > code { background: var(--sunken); border-radius: 0.25rem; padding: 0.1em 0.3em; }
time[title], [title].hash { text-decoration: none; cursor: help; }
hr { border: 0; border-top: 1px solid var(--line); margin: 2.5rem 0; }
button, input, select, textarea { font: inherit; color: inherit; }
.hidden-text {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.skip-link {
  position: absolute; left: 1rem; top: -4rem; z-index: 10; padding: 0.6rem 1rem;
  background: var(--accent); color: var(--accent-text); border-radius: 0 0 var(--radius) var(--radius);
}
.skip-link:focus { top: 0; }
@media (prefers-reduced-motion: no-preference) {
  html { scroll-behavior: smooth; }
  .button, .chevron, .skip-link { transition: background-color 120ms ease, transform 120ms ease, top 120ms ease; }
}
@media print {
  .site-header nav, .skip-link, .button { display: none; }
  body { background: #fff; color: #000; }
  details::details-content { content-visibility: visible; height: auto; opacity: 1; }
  .card, .notice, .proof, tr { break-inside: avoid; }
  .chevron { display: none; }
}
`
