"""The frame of report.html: markup, style and script, all inline; nothing is fetched."""

from __future__ import annotations

from string import Template

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
<script>$plotly</script>
<script>$script</script>
</body>
</html>
""")

STYLE = """
:root { --page: #f5f7f9; --card: #fff; --text: #1c2530; --muted: #5d6a78; --line: #dfe5ea;
  --accent: #b4600b; --mark: #fdf1e1; --code: #eef2f5; --good: #1b7f5c; --bad: #bd4317; }
@media (prefers-color-scheme: dark) {
  :root { --page: #11161c; --card: #181f27; --text: #e4e9ee; --muted: #9aa7b4; --line: #2b3540;
    --accent: #f0a045; --mark: #33281a; --code: #222b35; --good: #4cc29a; --bad: #f08a62; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 64px; }
header p { margin: 0; color: var(--muted); }
h1 { margin: 2px 0 4px; font-size: 30px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 40px 0 12px; font-size: 20px; }
h3 { margin: 0 0 2px; font-size: 16px; }
.lead { font-size: 18px; margin: 20px 0 4px; max-width: 62em; }
.lead + .muted { margin: 0; }
.tiles ~ .columns { margin-top: 18px; } h2 + .columns { margin-top: 0 !important; }
code { font: 0.92em ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: nowrap; }
.card p.muted { margin: 12px 0 0; font-size: 14px; }
.scroll + .scroll { margin-top: 12px; }
.muted, .caption { color: var(--muted); }
.caption { margin: 0 0 6px; font-size: 13.5px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
  margin-top: 20px; }
.card, .tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 26px; line-height: 1.3; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.tile.best b { color: var(--accent); }
.tile span { display: block; color: var(--muted); font-size: 13px; }
.card { padding: 16px 18px; min-width: 0; }
.columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
.columns > .full { grid-column: 1 / -1; overflow-x: auto; }
.full > .plot { min-width: 840px; }
.stack { display: grid; gap: 16px; min-width: 0; align-content: start; }
.scroll { overflow-x: auto; }
.tall { max-height: 620px; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 5px 12px 5px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { color: var(--muted); font-weight: 600; font-size: 13px; white-space: nowrap; }
.tall th { position: sticky; top: 0; background: var(--card); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.path, td.value { overflow-wrap: break-word;
  font: 13px/1.7 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
td.path { white-space: nowrap; }
td.label { overflow-wrap: anywhere; min-width: 7em; }
td.wide { min-width: 24em; }
td.old { color: var(--muted); }
tr.mark td { background: var(--mark); }
tr.mark td:first-child { box-shadow: inset 3px 0 0 var(--accent); padding-left: 10px; }
td.up { color: var(--good); } td.down { color: var(--bad); }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--accent); }
th[aria-sort=ascending] button::after { content: " ↑"; }
th[aria-sort=descending] button::after { content: " ↓"; }
.state { display: inline-block; padding: 0 8px; border-radius: 9px; font-size: 12.5px;
  background: var(--code); white-space: nowrap; }
.state.complete { color: var(--good); } .state.failed, .state.infeasible { color: var(--bad); }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--muted); }
pre { margin: 0; padding: 12px 14px; background: var(--code); border-radius: 8px; overflow-x: auto;
  font: 13px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; margin: 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 860px) { .columns { grid-template-columns: minmax(0, 1fr); }
  main { padding: 18px 14px 48px; } h1 { font-size: 25px; } .lead { font-size: 16.5px; } }
@media print { .tall { max-height: none; } .card { break-inside: avoid; } }
"""

SCRIPT = """
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const plots = [...document.querySelectorAll(".plot")];
const look = plot => ({ "font.color": css("--muted"), "hoverlabel.bgcolor": css("--card"),
  "hoverlabel.bordercolor": css("--line"), "hoverlabel.font.color": css("--text"),
  ...Object.fromEntries((plot.layout.annotations ?? []).map(
    (_, place) => [`annotations[${place}].bgcolor`, css("--card")])) });
for (const plot of plots) {
  const drawn = JSON.parse(plot.nextElementSibling.textContent);
  Plotly.newPlot(plot, drawn.data, drawn.layout,
    { responsive: true, displaylogo: false, modeBarButtons: [["toImage"]] });
  Plotly.relayout(plot, look(plot));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
  () => plots.forEach(plot => Plotly.relayout(plot, look(plot))));
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => head.firstElementChild.addEventListener("click", () => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const key = row => row.cells[place].dataset.key ?? row.cells[place].textContent;
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = x - y;
      return (Number.isNaN(order) ? x.localeCompare(y) : order) * (rising ? 1 : -1);
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  }));
}
"""
