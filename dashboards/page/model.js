// One model: its groups with rates and intervals, comparisons with verdicts, drift.

import { h, interval, sign, table } from "./draw.js";
import * as words from "./words.js";

const NOW = Math.floor(Date.now() / 1000); // fixed, so that a snippet being selected does not change

// `choice` is what the reader chose: {window, rate}.
export function model(about, readings, choice) {
  const reading = readings.find((r) => r.window === choice.window) ?? readings.at(-1);
  return h("section", { class: "model", id: "model", tabindex: "-1", "aria-labelledby": "model-title", "data-key": about.name },
    heading(about),
    reading ? content(about, reading, readings, choice) : empty(about));
}

function heading(about) {
  return h("div", { class: "heading" },
    h("h1", { id: "model-title" }, about.name),
    about.purpose && h("p", { class: "purpose" }, about.purpose),
    h("p", { class: "meta" },
      about.owner && ["Owner: ", about.owner, " · "],
      `Positive decision: ${about.positive.join(", ")} (${about.favourable ? "good" : "bad"} for the person)`,
      /^https?:/.test(about.appeal) && [" · ", h("a", { href: about.appeal, rel: "noreferrer" }, "How to appeal")]));
}

function content(about, reading, readings, choice) {
  const rates = [...new Set(Object.values(reading.attributes).flatMap((a) => Object.values(a.groups).flatMap((g) => Object.keys(g.rates))))];
  const rate = rates.includes(choice.rate) ? choice.rate : first(reading, rates);
  const attributes = Object.entries(reading.attributes);
  return [
    h("div", { class: "controls" }, windows(readings, reading.window), rates.length > 0 && chooser(rates, rate)),
    facts(reading, about.name),
    cautions(reading.cautions ?? []),
    // a group that came later is told beside its comparisons: nothing is wrong with it
    restarts((reading.restarts ?? []).filter((found) => found.reason !== "new_group")),
    tally(reading),
    attributes.map(([name, attribute]) => attributeCard(name, attribute, reading, rate)),
    attributes.length === 0 && h("p", { class: "card quiet" }, "No attribute of people is configured for this model."),
    reading.composites.length > 0 && card("composites", "Across groups", folded(reading.composites, "metric", "metrics", (found) => comparisons(found, (c) => `${c.attribute}: `))),
    reading.drift.length > 0 && card("drift", "Drift", folded(reading.drift, "measure", "measures", drift)),
    explanation(about),
  ];
}

// The rate to begin with: that of a proven breach, else the model's first.
function first(reading, rates) {
  const out = judged(reading).find((c) => c.metric && c.verdict === "out_of_limits" && rates.includes(c.metric));
  return out?.metric ?? rates[0];
}

function judged(reading) {
  return [...Object.values(reading.attributes).flatMap((a) => a.comparisons), ...reading.composites, ...reading.drift].filter(limited);
}

// Whether a verdict was asked for: by a rule, or by a measure's own limit.
const limited = ({ rule, min, max }) => rule !== null || (min ?? null) !== null || max !== null;

// What has limits, and, folded away, what has none.
function folded(found, one, many, drawn) {
  const free = found.filter((c) => !limited(c));
  const asked = found.filter(limited);
  return [asked.length > 0 && drawn(asked),
    free.length > 0 && h("details", { "data-key": many }, h("summary", {}, `${words.plural(free.length, one, many)} without limits`), drawn(free))];
}

function windows(readings, chosen) {
  return h("div", { class: "segments", role: "group", "aria-label": "Window" }, readings.map(({ window }) =>
    h("button", { type: "button", "data-window": window, "data-key": window, "aria-pressed": String(window === chosen) }, words.window(window))));
}

function chooser(rates, chosen) {
  return h("label", { class: "chooser" }, "Rate shown ",
    h("select", { "data-rate": true }, rates.map((rate) => h("option", { value: rate, selected: rate === chosen }, words.metric(rate)))));
}

function facts(reading, name) {
  const share = reading.decisions ? ` (${words.percent(reading.feedback / reading.decisions, 0)})` : "";
  return h("p", { class: "meta" }, `${words.plural(reading.decisions, "decision")} · ${words.plural(reading.feedback, "outcome")}${share} · as of ${words.date(reading.as_of)} · `,
    h("a", { href: `report/${encodeURIComponent(name)}` }, "Report to print"));
}

// What misleads in this window, in words.
function cautions(found) {
  return found.length > 0 && h("ul", { class: "cautions", "aria-label": "Cautions" }, found.map(({ kind, attribute, group, text }) =>
    h("li", { "data-key": [kind, attribute, group].join("|") }, text)));
}

// Which tests began anew, and why.
function restarts(found) {
  return found.length > 0 && h("ul", { class: "cautions", "aria-label": "Tests that began anew" }, found.map((r) =>
    h("li", { "data-key": [r.rule, r.attribute, r.reason].join("|") }, `Tests of “${r.rule}” by ${[r.attribute, [r.group, r.reference].filter(Boolean).join(" and ")].filter(Boolean).join(", ")}: ${words.restart(r)}`)));
}

function tally(reading) {
  const found = judged(reading);
  const counted = words.ORDER.map((verdict) => [verdict, found.filter((c) => c.verdict === verdict).length]).filter(([, n]) => n);
  if (!counted.length) return h("p", { class: "quiet" }, "No rule of this model speaks about this window.");
  return h("ul", { class: "tally", "aria-label": "Verdicts of this model's rules" }, counted.map(([verdict, n]) =>
    h("li", { class: verdict }, sign(verdict), h("strong", {}, words.count(n)), ` ${words.verdict(verdict).toLowerCase()}`)));
}

function card(key, title, ...content) {
  return h("section", { class: "card", "data-key": key }, h("div", { class: "title" }, h("h2", {}, title)), content);
}

function attributeCard(name, attribute, reading, rate) {
  const groups = Object.entries(attribute.groups);
  const hidden = reading.decisions - groups.reduce((sum, [, group]) => sum + group.n, 0);
  return h("section", { class: "card", "data-key": `attribute-${name}` },
    h("div", { class: "title" }, h("h2", {}, name.replaceAll("_", " ")),
      attribute.reference && h("span", { class: "quiet" }, `compared with ${attribute.reference}`)),
    groups.length > 0 && groupTable(groups, attribute.reference, rate),
    hidden > 0 && h("p", { class: "quiet" }, `Not shown: ${words.plural(hidden, "decision")} about small groups, and about groups that would give these away.`),
    folded(attribute.comparisons, "comparison", "comparisons", (found) => comparisons(found)),
    groups.length > 0 && h("details", { "data-key": "rates" }, h("summary", {}, "All rates as a table"), rateTable(groups)));
}

function groupTable(groups, reference, rate) {
  const head = [{ name: "Group" }, { name: "Decisions", kind: "n" }, { name: "Outcomes", kind: "n", hint: "Share of decisions whose outcome has come" },
    { name: words.metric(rate), kind: "n", hint: words.metricHint(rate) }, { name: "95 % interval", kind: "wide" }];
  const scale = rateScale(groups.map(([, group]) => group.rates[rate]), rate);
  return table(`${words.metric(rate)} by group. ${words.metricHint(rate)}`, head, groups.map(([name, group]) => {
    const found = group.rates[rate] ?? { value: null, low: null, high: null, n: 0 };
    const drawn = found.value === null
      ? h("span", { class: "quiet" }, "Undefined: none to divide by yet")
      : interval({ ...found, ...scale, tone: name === reference ? "reference" : "" });
    return { key: name, cells: [[name, name === reference && h("span", { class: "tag" }, "reference")], words.count(group.n), words.percent(group.coverage, 0),
      h("strong", {}, words.rate(found.value, rate)), [drawn, h("span", { class: "range" }, rateRange(found, rate))]] };
  }), "groups");
}

function rateRange({ value, low, high, n, rough }, rate) {
  if (value === null) return "";
  if (low === null) return `n = ${words.count(n)}, too few for an interval`;
  return `${words.rate(low, rate)} to ${words.rate(high, rate)}, n = ${words.count(n)}${rough ? ", rough" : ""}`;
}

// From 0 to 1 for shares; as far as the numbers reach for others.
function rateScale(rates, name) {
  if (words.isShare(name)) return { from: 0, to: 1 };
  const seen = rates.flatMap((rate) => [rate?.low, rate?.high, rate?.value]).filter((v) => typeof v === "number");
  return { from: Math.min(0, ...seen), to: 1.05 * Math.max(0.1, ...seen) };
}

function rateTable(groups) {
  const rates = [...new Set(groups.flatMap(([, group]) => Object.keys(group.rates)))];
  const head = [{ name: "Rate" }, ...groups.map(([name]) => ({ name, kind: "n" }))];
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All rates of all groups" },
    table("Every rate of every group", head, rates.map((rate) => ({ key: rate,
      cells: [words.metric(rate), ...groups.map(([, group]) => words.rate(group.rates[rate]?.value ?? null, rate))] })), "matrix"));
}

function comparisons(found, prefix = () => "") {
  const head = [{ name: "Comparison" }, { name: "Gap", kind: "n" }, { name: "95 % interval and limits", kind: "wide" }, { name: "Verdict" }];
  return table("Gaps between groups, with what their intervals prove", head, byVerdict(found).map((c) => ({
    key: [c.metric, c.compare, c.attribute, c.group, c.reference, c.rule].join("|"),
    cells: [
      [h("span", { class: "what" }, words.metric(c.metric)), h("span", { class: "who" }, prefix(c), who(c)), ownName(c) && h("span", { class: "who" }, `“${c.rule}”`)],
      [h("strong", {}, words.gap(c.value, c)), h("span", { class: "range" }, rates(c))],
      [c.value === null ? "" : drawn(c, scale(found.filter((other) => kind(other) === kind(c)))), h("span", { class: "range" }, range(c)), always(c), c.restart && h("span", { class: "range" }, words.restart(c.restart))],
      badge(c),
    ] })), "comparisons");
}

const byVerdict = (found) => [...found].sort((a, b) => words.ORDER.indexOf(a.verdict) - words.ORDER.indexOf(b.verdict));
const kind = (c) => `${c.compare} ${words.isShare(c.metric) ? "" : c.metric}`;
const who = (c) => (c.reference ? `${c.group} against ${c.reference}` : c.group);
const ownName = (c) => c.rule !== null && !c.rule.startsWith(c.metric);
const rates = (c) => (c.group_rate === null || c.reference_rate === null ? "" : `${words.rate(c.group_rate, c.metric)} : ${words.rate(c.reference_rate, c.metric)}`);

function range(c) {
  const interval = c.low === null && c.high === null ? "" : `${words.gaps(c.low, c.high, c)}; `;
  return `${interval}${words.limits(c)}; n = ${words.count(c.n)}${c.reference === null ? "" : ` and ${words.count(c.reference_n)}`}`;
}

function badge(c) {
  if (!limited(c) && c.verdict !== "undefined") return h("span", { class: "quiet" }, "no limit set");
  const more = (c.verdict === "undecided" && outlook(c)) || proof(c) || (c.rough ? "rough: few decisions" : "");
  return [h("span", { class: `verdict ${c.verdict}` }, sign(c.verdict), words.verdict(c.verdict)), more && h("span", { class: "range" }, more)];
}

// What holds however often one looks: the confidence sequence since the test began.
function always(c) {
  if ((c.cs_low ?? null) === null || (c.cs_high ?? null) === null) return "";
  const hint = "On average over all that was tested. Right at all times at once, so it is wider than the interval of a single look.";
  const beyond = c.outside ? `; ${words.count(c.outside)} of ${words.count(c.tested)} values beyond their bounds, tested as the nearest` : "";
  return h("span", { class: "range", title: hint }, `always${(c.since ?? null) === null ? "" : `, since its test began on ${words.day(c.since)}`}: ${words.gaps(c.cs_low, c.cs_high, c)}${beyond}`);
}

// When a sequential test proved it, since when it is so, and whether it stands on the list of now.
function proof(c) {
  const known = (v) => (v ?? null) !== null;
  return [known(c.proved) && `proved ${words.day(c.proved)}`, known(c.onset) && `changed about ${words.day(c.onset)}`,
    c.listed && "listed as unfair now"].filter(Boolean).join("; ");
}

// What an undecided comparison still takes: decisions, time, or a larger gap.
function outlook(c) {
  const known = (v) => (v ?? null) !== null;
  return [known(c.needed) && `about ${words.short(c.needed)} more needed${known(c.due) ? `, about ${words.day(c.due)}` : ""}`,
    known(c.detectable) && `${words.gap(c.detectable, c)} would be proved today`].filter(Boolean).join("; ");
}

// One scale for all comparisons of a kind, so that their bars can be compared.
function scale(found) {
  const seen = found.flatMap((c) => [c.low, c.high, c.value, c.min, c.max]).filter((v) => v !== null);
  if (found[0].compare === "ratio") return { from: 0, to: Math.min(3, 1.1 * Math.max(1.25, ...seen)), zero: 1 };
  const most = words.isShare(found[0].metric) ? 1 : Infinity;
  const reach = Math.min(most, 1.15 * Math.max(0.1, ...seen.map(Math.abs)));
  return { from: found[0].compare === "value" ? 0 : -reach, to: reach, zero: 0 };
}

function drawn(c, { from, to, zero }) {
  const zones = c.min === null && c.max === null ? [] : [{ from: c.min ?? from, to: c.max ?? to, kind: "allowed" }];
  const open = c.low === null && c.high === null ? {} : { low: c.low ?? from, high: c.high ?? to };
  return interval({ ...c, ...open, from, to, zones, tone: limited(c) ? c.verdict : "", marks: [{ at: zero, kind: "zero" }] });
}

function drift(found) {
  const head = [{ name: "Measure" }, { name: "Value", kind: "n" }, { name: "Against its limit", kind: "wide" }, { name: "Verdict" }];
  return table("How far the streams have moved from their baseline", head, byVerdict(found).map((d) => ({
    key: [d.measure, d.stream, d.rule].join("|"),
    cells: [
      [h("span", { class: "what" }, words.stream(d.stream)), h("span", { class: "who", title: words.measureHint(d.measure) }, words.measure(d.measure))],
      h("strong", {}, words.number(d.value)),
      [d.value !== null && driftBar(d), h("span", { class: "range" }, driftRange(d))],
      badge(d)] })), "comparisons");
}

function driftBar({ value, low = null, high = null, max, verdict, ...rest }) {
  const zones = max === null ? [] : [{ from: 0, to: max, kind: "allowed" }];
  const to = Math.max(max ? 2 * max : 1, 1.25 * value, 1.05 * (high ?? 0));
  return interval({ value, low, high, from: 0, to, zones, tone: limited({ max, ...rest }) ? verdict : "" });
}

function driftRange(d) {
  const limits = (d.low ?? null) !== null && (d.high ?? null) !== null && `${words.number(d.low)} to ${words.number(d.high)}`;
  const said = [limits, words.plural(d.n, "value"), d.baseline_n !== d.n && `baseline ${words.count(d.baseline_n)}`,
    d.max !== null && `limit ${words.number(d.max)}`, d.at !== null && `last change ${words.date(d.at)}`];
  return said.filter(Boolean).join("; ");
}

function explanation(about) {
  return h("details", { class: "card", "data-key": "words" },
    h("summary", {}, "What does this mean?"),
    h("dl", {}, Object.values(words.VERDICTS).map(([name, meaning]) => [h("dt", {}, name), h("dd", {}, meaning)]),
      h("dt", {}, "95 % interval"), h("dd", {}, "The range of values that the data are compatible with, looked at once. The wider the bar, the less is known; the dot is the measured value."),
      h("dt", {}, "Shaded zone"), h("dd", {}, "What the rule allows. A bar wholly outside is proven out of limits, one wholly inside is proven within."),
      h("dt", {}, "pts"), h("dd", {}, "Percentage points: 45 % is 5 pts above 40 %."),
      h("dt", {}, "Outcomes"), h("dd", {}, "The share of decisions whose outcome is known. Rates that need outcomes speak of these decisions only."),
      h("dt", {}, "Hidden groups"), h("dd", {}, `Groups of fewer than ${about.min_group} decisions are not shown, nor those that would give them away.`)));
}

function empty(about) {
  const attribute = about.attributes.find((name) => !name.includes(" & ")) ?? "sex";
  const python = `from fairlead_client import Emitter

with Emitter("localhost:9092", model=${JSON.stringify(about.name)}) as emitter:
    emitter.decision(id="application-1", decision=${literal(about.positive[0])}, attributes={${JSON.stringify(attribute)}: "…"})
    emitter.feedback(decision_id="application-1", outcome=True)`;
  const event = JSON.stringify({ id: "application-1", model: about.name, time: NOW, decision: about.positive[0], attributes: { [attribute]: "…" } });
  const shell = `echo 'application-1|${event.replaceAll("'", "'\\''")}' |
  kafka-console-producer.sh --bootstrap-server localhost:9092 --topic decisions \\
    --property parse.key=true --property key.separator='|'`;
  return h("div", { class: "card empty" },
    h("h2", {}, "Waiting for the first decision"),
    h("p", {}, "The model is configured, and nothing has arrived yet. Send a decision, and, when it is known, its outcome; this page shows them within seconds."),
    h("h3", {}, "From Python"), h("pre", { tabindex: "0" }, h("code", {}, python)),
    h("h3", {}, "From a shell"), h("pre", { tabindex: "0" }, h("code", {}, shell)),
    h("p", { class: "quiet" }, "The address and topics are those of the [broker] table of fairlead.toml. If events were sent, look below: Stream health counts what was refused, and why."));
}

const literal = (value) => (value === true ? "True" : value === false ? "False" : JSON.stringify(value));
