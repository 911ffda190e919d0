"""What the report looks like as a page: one file, nothing is loaded from elsewhere."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Conformance: {question}</title>
<style>
:root {{ color-scheme: light dark; --green: #17803d; --red: #b91c1c; --line: #8884; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }}
h1 {{ font-size: 1.4em; }}
.verdict {{ border-left: 0.4em solid; padding: 0.4em 1em; }}
.verdict.green, tr.green td.verified {{ color: var(--green); }}
.verdict.red, tr.red td.verified {{ color: var(--red); font-weight: bold; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ border-bottom: 1px solid var(--line); padding: 0.35em 0.8em; text-align: left; }}
td {{ vertical-align: top; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.name {{ white-space: nowrap; }}
ul {{ margin: 0.2em 0; padding-left: 1.1em; }}
code {{ font-size: 0.9em; overflow-wrap: anywhere; }}
code.again {{ opacity: 0.7; }}
summary {{ cursor: pointer; }}
</style>
</head>
<body>
<h1>Conformance: {question}</h1>
<p class="verdict {verdict}">{answer}</p>
<table>
<thead>
<tr><th>capability</th><th>declared</th><th>verified</th><th class="number">cases</th>
<th class="number">seconds</th><th>failed, and why</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""

ROW = """<tr class="{colour}"><td class="name"><details><summary>{name}</summary>
<ul>{cases}</ul></details></td><td>{declared}</td><td class="verified">{verified}</td>
<td class="number">{tried}</td><td class="number">{seconds}</td><td>{reasons}</td></tr>"""
