// The alerts: firing first, in sentences.

import { h } from "./draw.js";
import * as words from "./words.js";

const SHOWN = 3; // the others fold away
const RANK = { critical: 0, warning: 1, info: 2 };

export function alerts(all) {
  const firing = all.filter((a) => a.state === "firing").sort((a, b) => RANK[a.severity] - RANK[b.severity] || b.since - a.since);
  const resolved = all.filter((a) => a.state === "resolved").sort((a, b) => b.changed - a.changed);
  return h("section", { class: "card", id: "alerts", "aria-labelledby": "alerts-title" },
    h("div", { class: "title" }, h("h2", { id: "alerts-title" }, "Alerts"),
      h("span", { class: firing.length ? "pill out_of_limits" : "pill within_limits" }, firing.length ? `${firing.length} firing` : "none firing")),
    firing.length ? list(firing.slice(0, SHOWN)) : h("p", { class: "quiet" }, "No rule finds a proven breach of its limits now."),
    folded("firing", `${words.count(firing.length - SHOWN)} more firing`, firing.slice(SHOWN)),
    folded("resolved", words.plural(resolved.length, "resolved alert"), resolved));
}

const list = (some) => h("ul", { class: "alerts" }, some.map(one));
const folded = (key, name, some) => some.length > 0 && h("details", { "data-key": key }, h("summary", {}, name), list(some));

function one(alert, place) {
  return h("li", { class: `alert ${alert.state} ${alert.severity}`, "data-key": alert.id ?? `hidden-${place}` },
    h("div", { class: "line" },
      h("span", { class: `severity ${alert.severity}` }, alert.state === "resolved" ? "resolved" : alert.severity),
      h("strong", {}, headline(alert.evidence)),
      h("a", { href: `#${encodeURIComponent(alert.model)}` }, alert.model)),
    h("p", {}, story(alert.evidence)),
    h("p", { class: "meta" }, meta(alert)));
}

function headline(about) {
  if (!about) return "A small group is out of limits";
  if (about.type === "drift") return `${words.stream(about.stream)}: ${words.measure(about.measure)}`;
  if (about.type === "exposure") return `${about.field}: ${words.exposure(about.kind)}`;
  return `${words.metric(about.metric)}: ${about.group}${about.reference ? ` against ${about.reference}` : ""}`;
}

function story(about) {
  if (!about) return "Its name and numbers are not shown, since they could point at single people.";
  if (about.type === "exposure") return `In ${about.event === "decision" ? "decisions" : "feedback"}, at least ${words.plural(about.times, "time")}. No value is kept or shown.`;
  if (about.type === "drift") {
    const limit = about.max === null ? "" : `, limit ${words.number(about.max)}`;
    return `${words.number(about.value)}${limit}, over ${words.plural(about.n, "value")}.`;
  }
  const side = (v, n) => `${words.rate(v, about.metric)} (of ${words.count(n)})`;
  const rates = about.reference && about.group_rate !== null
    ? `${side(about.group_rate, about.n)} against ${side(about.reference_rate, about.reference_n)}: ` : "";
  return `${rates}${words.gap(about.value, about)}, 95 % interval ${words.gaps(about.low, about.high, about)}; ${words.limits(about)}.`;
}

function meta(alert) {
  const times = alert.episode > 1 ? ` · episode ${alert.episode}` : "";
  const about = alert.evidence?.window ? ` · ${words.window(alert.evidence.window).toLowerCase()}` : "";
  const until = alert.state === "resolved" ? ` · resolved ${words.date(alert.changed)}` : "";
  const why = alert.note ? `: ${alert.note}` : "";
  return `Since ${words.date(alert.since)}${until}${why}${about}${times} · rule “${alert.rule}”`;
}
