/**
 * UI: the one set of components for every page, ours and an app's.
 *
 * Promise: what a component gets as a value is shown as text and never runs. Pages work without script,
 * under a strict CSP (no inline style, no inline script without the nonce, nothing from another host),
 * from 390 px up, in light and dark, by keyboard and by screen reader.
 * How: typed functions over `hono/html` templates, which escape by default; colours are tokens whose
 * contrast a test holds at WCAG AA; charts are SVG beside a real table.
 * Not here: data access, routes, and script. Islands live with the page that needs them.
 */
export * from './badge-image.ts'
export * from './charts.ts'
export * from './code.ts'
export * from './document.ts'
export * from './errors.ts'
export * from './form.ts'
export * from './frame.ts'
export * from './markup.ts'
export * from './section.ts'
export * from './stylesheet.ts'
export * from './table.ts'
export * from './time.ts'
export * from './tone.ts'
export * from './trend.ts'
