// How the stream does.

import { h, table } from "./draw.js";
import * as words from "./words.js";

export function health(now) {
  const lag = Object.entries(now.lag).flatMap(([topic, by]) => Object.entries(by).map(([partition, n]) => ({ topic, partition, n })));
  const invalid = Object.entries(now.invalid).sort(([, a], [, b]) => b - a);
  const total = invalid.reduce((sum, [, n]) => sum + n, 0);
  return h("section", { class: "card", id: "health", "aria-labelledby": "health-title" },
    h("div", { class: "title" }, h("h2", { id: "health-title" }, "Stream health"), h("span", { class: "quiet" }, "since this worker started")),
    h("dl", { class: "tiles" },
      Object.entries(now.events).map(([topic, n]) => tile(words.sentence(topic), words.short(n), "valid events")),
      tile("Last arrival", words.ago(now.last_arrival), "wall time"),
      tile("Event clock", words.day(now.clock), `${words.time(now.clock)}; all before has come`),
      tile("Lag", words.short(lag.reduce((sum, { n }) => sum + n, 0)), "messages to read"),
      tile("Latency", latency(now.latency), "99 % of events, Kafka to verdict"),
      tile("Invalid", words.short(total), "refused, with a reason", total > 0),
      tile("Waiting", words.short(now.pending), "decisions without an outcome"),
      tile("Orphans", words.short(now.orphans), "feedback without a decision"),
      tile("Duplicates", words.short(now.duplicates), "known already, not counted twice"),
      tile("Conflicts", words.short(now.conflicts), "differ from what was kept", now.conflicts > 0),
      tile("Misrouted", words.short(now.misrouted), "sent on to their partition"),
      sum(now.lost) > 0 && tile("Lost", words.short(sum(now.lost)), "messages that Kafka dropped unread", true),
      sum(now.undeclared) > 0 && tile("Undeclared", words.short(sum(now.undeclared)), "fields that nobody declared", true),
      sum(now.personal) > 0 && tile("Personal", words.short(sum(now.personal)), "values that look like a person's", true),
      now.capped > 0 && tile("Capped", words.short(now.capped), "names counted as __other__", true)),
    total > 0 && table("Invalid events by reason", [{ name: "Reason" }, { name: "Events", kind: "n" }],
      invalid.map(([reason, n]) => ({ key: reason, cells: [reason, words.count(n)] })), "slim"),
    details(now, lag));
}

const sum = (by) => Object.values(by).reduce((all, n) => all + n, 0);

function tile(name, value, hint, warn = false) {
  return h("div", { class: warn ? "tile warn" : "tile", "data-key": name }, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "hint" }, hint));
}

// The bound that 99 of 100 events stayed under, from the histogram.
function latency({ bounds, counts }) {
  const all = counts.reduce((a, b) => a + b, 0);
  if (!all) return "–";
  let seen = 0;
  const place = counts.findIndex((n) => (seen += n) >= 0.99 * all);
  return place < bounds.length ? `≤ ${words.seconds(bounds[place])}` : `> ${words.seconds(bounds.at(-1))}`;
}

function details(now, lag) {
  const unknown = Object.entries(now.unknown_fields).sort(([, a], [, b]) => b - a);
  return h("details", { "data-key": "details" }, h("summary", {}, "Partitions and tables"),
    h("p", { class: "meta" }, `Version ${now.version || "unknown"} · ${now.recovered} of ${words.plural(now.assigned, "partition")} rebuilt`),
    h("div", { class: "columns" },
      lag.length > 0 && table("Messages still to read", [{ name: "Topic" }, { name: "Partition", kind: "n" }, { name: "Lag", kind: "n" }],
        lag.map(({ topic, partition, n }) => ({ key: `${topic}-${partition}`, cells: [topic, partition, words.count(n)] })), "slim"),
      Object.keys(now.tables).length > 0 && table("Durable tables on this worker", [{ name: "Table" }, { name: "Rows", kind: "n" }, { name: "Size", kind: "n" }],
        Object.entries(now.tables).map(([name, { rows, bytes }]) => ({ key: name, cells: [name, words.count(rows), words.bytes(bytes)] })), "slim"),
      unknown.length > 0 && table("Fields that no event has, ignored", [{ name: "Field" }, { name: "Events", kind: "n" }],
        unknown.map(([name, n]) => ({ key: name, cells: [name, words.count(n)] })), "slim")));
}
