//! How the page looks: in the light, in the dark, on paper.

/// The style sheet.
pub(super) const STYLE: &str = "\
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1b1f24; --soft: #59616b; --rule: #d8dbdf; --tint: #f3f3ef;
  --now: #40536b; --possible: #0a7a74; --other: #7e8996; --loss: #a2321f; --open: #85590a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #e7e8ea; --soft: #a4acb6; --rule: #343a42; --tint: #1d2126;
    --now: #a6bbd6; --possible: #4cc3b7; --other: #7b8592; --loss: #f0917f; --open: #e2b35b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif;
}
main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1rem; overflow-wrap: anywhere; }
header { padding: 3rem 0 1.5rem; max-width: 46rem; }
.scope { margin: 0 0 1rem; color: var(--soft); }
h1, h2 { font-family: ui-serif, Charter, 'Bitstream Charter', Georgia, 'Liberation Serif', serif; font-weight: 400; }
h1 { margin: 0 0 1rem; font-size: 2.25rem; line-height: 1.2; }
h1 strong { font-weight: 600; font-variant-numeric: lining-nums; white-space: nowrap; }
.saves h1 strong { color: var(--possible); }
.loses h1 strong { color: var(--loss); }
.open h1 strong { color: var(--open); }
header p { margin: 0 0 .5rem; }
header .lead { font-size: 1.1rem; }
h2 { margin: 0 0 1rem; font-size: 1.45rem; line-height: 1.3; }
section { padding: 1.75rem 0 2rem; border-top: 1px solid var(--rule); }
section p { max-width: 46rem; }
.beside { display: grid; gap: 1.5rem 3rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
@media (min-width: 60rem) { .beside { grid-template-columns: minmax(0, 11fr) minmax(0, 9fr); } }
.scroll { overflow-x: auto; }
.warnings { margin: 0 0 1.5rem; padding: .75rem 1rem; border-left: 3px solid var(--open); background: var(--tint); }
.warnings p { margin: 0 0 .25rem; }
ul { margin: 0; padding-left: 1.2rem; }
li { margin: .2rem 0; max-width: 46rem; }
.note, footer, summary, caption, thead { color: var(--soft); }
.note, footer, table, summary { font-size: .9rem; }
footer { padding-top: 1.5rem; padding-bottom: 3rem; border-top: 1px solid var(--rule); }
footer p { margin: .25rem 0; }
summary { margin-top: 1rem; cursor: pointer; }
table { width: 100%; max-width: 46rem; margin: .25rem 0 1rem; border-collapse: collapse; overflow-wrap: break-word; }
caption { padding: .25rem 0; text-align: left; }
th, td { padding: .3rem 0 .3rem 1rem; text-align: left; vertical-align: top; font-weight: 400; }
th:first-child, td:first-child { padding-left: 0; min-width: 6.5rem; max-width: 24rem; overflow-wrap: anywhere; }
tr { border-bottom: 1px solid var(--rule); }
tr.part th:first-child { padding-left: 1.2rem; color: var(--soft); }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums lining-nums; }
.key { display: flex; gap: .5rem; align-items: center; margin: 0 0 .5rem; font-size: .9rem; }
.key span { width: 1rem; height: .7rem; }
.key span + span, .key .possible { margin-left: 1rem; }
.key .now { background: var(--now); }
.key .possible { background: var(--possible); }
svg { display: block; width: 100%; min-width: 24rem; max-width: 36rem; height: auto; overflow: visible; font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; }
svg text { fill: var(--ink); font-variant-numeric: tabular-nums lining-nums; }
svg .tick { fill: var(--soft); font-size: 12px; }
svg .small { font-size: 11px; }
svg rect.now, svg circle.now { fill: var(--now); }
svg rect.possible, svg circle.possible { fill: var(--possible); }
svg rect.other { fill: var(--other); }
svg text.name.now { fill: var(--now); font-weight: 600; }
svg text.name.possible { fill: var(--possible); font-weight: 600; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .line.now { stroke: var(--now); }
svg .line.possible { stroke: var(--possible); }
svg .grid { stroke: var(--rule); }
svg .axis { stroke: var(--soft); }
svg .mark { stroke: var(--soft); stroke-dasharray: 3 3; }
svg .mark.here { stroke: var(--ink); stroke-dasharray: none; }
svg circle.even { fill: var(--paper); stroke: var(--ink); stroke-width: 2; }
svg circle.here { fill: var(--ink); }
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #4a4f55; --rule: #c4c8cc; --tint: #fff;
    --now: #40536b; --possible: #0a7a74; --other: #7e8996; --loss: #a2321f; --open: #85590a;
  }
  @page { margin: 16mm; }
  body { font-size: 10.5pt; }
  main, footer { max-width: none; padding: 0; }
  header { padding-top: 0; }
  section { padding: 5mm 0; }
  h1 { font-size: 22pt; }
  h2 { break-after: avoid; }
  .beside { grid-template-columns: minmax(0, 1fr); gap: 2mm; }
  .key, .chart, caption, thead { break-after: avoid; }
  .short, svg, tr, .warnings, li, footer { break-inside: avoid; }
  svg { min-width: 0; max-width: 130mm; }
  svg rect, svg circle, .key span { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; }
  details { display: none; }
}
";
