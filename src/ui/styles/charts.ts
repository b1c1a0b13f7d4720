/** Charts: bars, stacked columns, timelines. */
export const charts = `
.series-1 { fill: var(--series-1); } .series-2 { fill: var(--series-2); } .series-3 { fill: var(--series-3); }
.series-4 { fill: var(--series-4); } .series-5 { fill: var(--series-5); } .series-6 { fill: var(--series-6); }
.bar-track { fill: var(--sunken); }
.span-good { fill: var(--good-fill); } .span-bad { fill: var(--bad-fill); } .span-unsure { fill: var(--unsure-fill); } .span-neutral { fill: var(--edge); }
.bar-chart { width: 100%; border-collapse: collapse; }
.bar-chart caption, .stacked-chart figcaption { text-align: start; color: var(--muted); font-size: 0.9rem; padding-bottom: 0.7rem; }
.bar-chart th { font-weight: 400; text-align: start; vertical-align: middle; width: 32%; padding: 0.35rem 1rem 0.35rem 0; line-height: 1.35; }
.bar-chart td { padding: 0.35rem 0; vertical-align: middle; }
.bar-label { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.bar-cell { display: flex; align-items: center; gap: 0.9rem; }
.bar-cell svg { flex: 1; min-width: 0; height: 0.875rem; border-radius: 0.25rem; overflow: hidden; }
.bar-value { flex: none; min-width: 5.25rem; text-align: end; color: var(--muted); font-size: 0.9rem; }
@media (max-width: 43.99rem) {
  .bar-chart tbody, .bar-chart tbody tr, .bar-chart tbody th, .bar-chart tbody td { display: block; width: 100%; }
  .bar-chart tbody th { padding: 0.5rem 0 0; }
}
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.25rem; list-style: none; padding: 0; font-size: 0.9rem; }
.legend li { display: flex; align-items: center; gap: 0.45rem; min-width: 0; }
.legend span { max-width: 18rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.legend svg { width: 0.75rem; height: 0.75rem; flex: none; border-radius: 0.15rem; }
.plot { position: relative; margin-top: 1.1rem; padding-top: 1.2rem; border-bottom: 1px solid var(--edge); }
.plot svg { display: block; width: 100%; height: 11rem; }
.plot-top { position: absolute; top: 0; left: 0; right: 0; color: var(--muted); font-size: 0.8125rem; line-height: 1.2; border-bottom: 1px dashed var(--line); }
.axis { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); list-style: none; padding: 0.35rem 0 0; color: var(--muted); font-size: 0.8125rem; line-height: 1.2; }
.axis li { display: flex; justify-content: center; white-space: nowrap; overflow-wrap: normal; }
.axis span { flex: none; }
.timeline svg { display: block; width: 100%; height: 1.125rem; border-radius: 0.3rem; overflow: hidden; background: var(--sunken); }
.timeline figcaption { display: flex; justify-content: space-between; gap: 1rem; color: var(--muted); font-size: 0.8125rem; padding-top: 0.35rem; }
.trends { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); gap: 1rem 1.5rem; margin-top: 0.75rem; }
.trend-span { margin-top: 1.75rem; }
.trend { min-width: 0; }
.trend-name { display: flex; justify-content: space-between; gap: 0.75rem; font-size: 0.9rem; }
.trend-name span { min-width: 0; overflow-wrap: anywhere; color: var(--muted); }
.trend svg { display: block; width: 100%; height: 3.5rem; margin-top: 0.3rem; border-bottom: 1px solid var(--line); overflow: visible; }
.trend-line { fill: none; stroke: var(--series-1); stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.trend-dot { fill: none; stroke: var(--series-1); stroke-width: 5; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.trend-range { color: var(--muted); font-size: 0.8125rem; padding-top: 0.3rem; }
.proportion { display: block; width: 100%; height: 0.5rem; border-radius: 0.25rem; overflow: hidden; }
`
