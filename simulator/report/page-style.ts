/** How the page looks: light, printable, readable at 360 px and at 1 280 px, with the system's own fonts. */
export const STYLE = `
:root{--ink:#1f2933;--muted:#5f6c7b;--line:#dde3ea;--soft:#f5f7f9;--accent:#0b5c8e;--warn:#8a4b00}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:#fff;color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 72px}
header{border-bottom:2px solid var(--ink);padding-bottom:18px;margin-bottom:8px}
.kicker{margin:0;color:var(--muted);font-size:14px}
h1{font-size:30px;line-height:1.2;margin:6px 0 10px;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:21px;line-height:1.25;margin:44px 0 10px}
h3{font-size:16px;margin:22px 0 6px}
p{margin:8px 0;max-width:78ch}
.meta,.note,figcaption{color:var(--muted);font-size:14px}
.ev{color:var(--muted)}
nav{margin:14px 0 0;font-size:14px;line-height:1.9}
nav a{color:var(--accent);margin-right:16px;white-space:nowrap}
.scroll{overflow-x:auto;margin:10px 0 16px}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;min-width:100%}
th,td{padding:6px 14px 6px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{font-weight:600;color:var(--muted);border-bottom:1px solid var(--ink);vertical-align:bottom;line-height:1.35}
tbody th{font-weight:600;white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}
td small,th small{display:block;color:var(--muted);font-weight:400;font-size:12px;line-height:1.35}
tr.bad{background:repeating-linear-gradient(135deg,#fff 0 7px,#f3f0ea 7px 14px)}
figure{margin:18px 0 30px;break-inside:avoid}
.chart{overflow-x:auto;overflow-y:hidden;border:1px solid var(--line);border-radius:6px;padding:6px 2px}
.chart svg.marks{display:block;max-width:100%;height:auto;min-width:620px}
.chart.vega-embed{display:block;padding-right:2px}
figcaption{margin-top:8px;max-width:88ch}
.tag{display:inline-block;padding:0 7px;border-radius:9px;font-size:12px;line-height:18px;background:#e4edf4;color:#0b4a72;white-space:nowrap}
.tag.weak{background:#eceff2;color:#4b5763}
.tag.warn{background:#fbeedd;color:var(--warn)}
details.fold{border-top:1px solid var(--line);padding:8px 0}
.fold summary{cursor:pointer;font-weight:600}
dl{margin:8px 0}
dt{font-weight:600;font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:13px;margin-top:8px}
dd{margin:0 0 0 0;font-size:14px;max-width:88ch}
code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em;overflow-wrap:anywhere}
footer{margin-top:48px;padding-top:14px;border-top:1px solid var(--line);color:var(--muted);font-size:13px}
@media (max-width:640px){main{padding:18px 14px 48px}h1{font-size:24px}h2{font-size:19px;margin-top:34px}body{font-size:15px}}
@media print{main{max-width:none;padding:0}nav,.vega-embed details{display:none!important}.scroll,.chart{overflow:visible;border:0}.chart svg.marks{min-width:0}table{font-size:10pt}h2{break-after:avoid}tr{break-inside:avoid}a{color:inherit}}
`
