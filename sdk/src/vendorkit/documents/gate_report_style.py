"""The style of the gate report's page: desktop, phone and paper, light and dark, no outside font or image."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --paper: #fff; --ink: #1f2328;
  --good: #1a7f37; --bad: #cf222e; --open: #8a5a00; --candidate: #0969da; --live: #bc4c00; --guide: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --good: #3fb950; --bad: #ff7b72;
  --open: #d29922; --candidate: #58a6ff; --live: #f0883e; --guide: #9198a1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2rem 1rem; font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; background: var(--paper); color: var(--ink); }
header { border-left: .5rem solid var(--bad); padding: .25rem 0 .25rem 1rem; }
header.pass { border-color: var(--good); }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0; }
header p, footer p { margin: .25rem 0 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; }
h3 small { font-weight: 400; }
h3, h3 small, figcaption, caption, th, td { overflow-wrap: anywhere; }
article { border: 1px solid var(--line); border-radius: .5rem; margin: .75rem 0; padding: .75rem 1rem; }
article p { margin: .25rem 0 0; }
.verdict { color: var(--bad); }
.pass .verdict { color: var(--good); }
.error .verdict { color: var(--open); }
.note { border-left: .25rem solid var(--open); padding-left: .75rem; }
ul.note { list-style: none; margin: .5rem 0; }
dl { margin: 0; }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.75rem; margin-top: .5rem; font-size: .9375rem; }
dt { font-size: .8125rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.origin { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem;
  background: var(--soft); border-radius: .5rem; padding: .75rem 1rem; }
.origin dt { font-size: inherit; }
.origin dd { font-family: ui-monospace, monospace; font-size: .8125rem; }
summary { cursor: pointer; margin-top: .5rem; padding: .25rem 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: .5rem 1.5rem; }
figure { margin: .5rem 0; min-width: 0; max-width: 30rem; break-inside: avoid; }
figcaption { font-size: .9375rem; font-weight: 600; }
.key { font-size: .8125rem; font-weight: 400; white-space: nowrap; margin-left: .5rem; }
.key::before { content: ""; display: inline-block; width: 1.5em; margin-right: .3em; vertical-align: middle;
  border-top: 2px solid var(--candidate); }
.key.live::before, .key.negatives::before { border-top: 2px dashed var(--live); }
.key.guide::before, .key.ideal::before { border-top: 2px dotted var(--guide); }
svg { display: block; max-width: 100%; }
.plot { width: 100%; height: auto; }
.plot text { font-size: 12px; fill: var(--ink); }
.plot path { fill: none; stroke: var(--guide); stroke-width: 1.75; stroke-dasharray: 2 3; }
.plot path.grid { stroke: var(--line); stroke-width: 1; stroke-dasharray: none; }
.plot path.candidate, .plot path.positives { stroke: var(--candidate); stroke-width: 2; stroke-dasharray: none; }
.plot path.live, .plot path.negatives { stroke: var(--live); stroke-width: 2; stroke-dasharray: 6 4; }
.plot circle { fill: var(--candidate); }
.strip { margin: .25rem 0; background: var(--soft); border-radius: 3px; }
.strip line { stroke: var(--good); stroke-width: 2.5; }
.strip circle { fill: var(--good); }
.strip line.fail { stroke: var(--bad); } .strip circle.fail { fill: var(--bad); }
.strip line.error, .strip line.too-few { stroke: var(--open); }
.strip circle.error, .strip circle.too-few { fill: var(--paper); stroke: var(--open); stroke-width: 2; }
.strip line.candidate { stroke: var(--candidate); } .strip circle.candidate { fill: var(--candidate); }
.strip line.live { stroke: var(--live); stroke-dasharray: 3 2; }
.strip line.limit { stroke: var(--bad); stroke-width: 1.5; }
.strip .barred { fill: var(--bad); opacity: .14; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .75rem 0 .25rem; }
th, td { text-align: left; padding: .2rem .5rem .2rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th { font-weight: 400; }
thead th { font-size: .8125rem; border: 0; vertical-align: bottom; }
.forest { table-layout: fixed; }
.forest th:first-child { width: 30%; }
.forest th:nth-child(2) { width: 40%; }
.forest:not(.times) th:nth-child(3) { width: 18%; }
.forest small { white-space: nowrap; font-size: .8125rem; }
.wide { overflow-x: auto; }
figure.confusion { max-width: none; }
.confusion table { width: auto; }
.confusion th, .confusion td { overflow-wrap: normal; }
.legend { font-size: .875rem; margin: 1rem 0 0; }
.word { display: block; font-size: .8125rem; }
tr.fail .word { color: var(--bad); font-weight: 600; }
tr.error .word, tr.too-few .word { color: var(--open); font-weight: 600; }
@media (max-width: 40rem) { body { padding: 1rem .75rem; } h1 { font-size: 1.25rem; }
  .origin { display: block; } .origin dd { margin-bottom: .5rem; } article { padding: .75rem; }
  table { font-size: .8125rem; } .forest small { white-space: normal; }
  .forest:not(.times) th:first-child { width: 28%; } .forest:not(.times) th:nth-child(2) { width: 30%; }
  .forest:not(.times) th:nth-child(3) { width: 24%; } }
@media print { article { break-inside: avoid-page; } tr { break-inside: avoid; } * { print-color-adjust: exact; }
  details::details-content { content-visibility: visible; block-size: auto; } summary { list-style: none; } }
"""
