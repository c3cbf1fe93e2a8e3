// The page: asks for the state every two seconds and draws what changed.

import { alerts } from "./alerts.js";
import { h, patch, sign } from "./draw.js";
import { health } from "./health.js";
import { model } from "./model.js";
import * as words from "./words.js";

const EVERY = 2000; // milliseconds
const chosen = {}; // model → {window, rate}, as the reader chose
let state = null;
let etag = "";
let asked = null; // the model that `etag` is about
let lost = null; // since when the worker does not answer
let timer = 0;

const wanted = () => {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null; // a broken escape in a link
  }
};

async function read() {
  const name = wanted();
  if (name !== asked) etag = "";
  asked = name;
  const response = await fetch(name ? `api/state?model=${encodeURIComponent(name)}` : "api/state", {
    cache: "no-store", headers: etag ? { "If-None-Match": etag } : {}, signal: AbortSignal.timeout(10000) });
  if (response.status === 304) return;
  if (!response.ok) throw new Error(`status ${response.status}`);
  state = await response.json();
  etag = response.headers.get("ETag") ?? "";
}

async function tick() {
  clearTimeout(timer);
  try {
    await read();
    lost = null;
  } catch {
    lost ??= Date.now();
  }
  draw();
  if (!document.hidden) timer = setTimeout(tick, EVERY);
}

// Links to a model, those in alerts too, lead to its section.
function arrive() {
  if (wanted()) document.getElementById("model")?.scrollIntoView();
  document.getElementById("model")?.focus({ preventScroll: true });
}

function draw() {
  put("status", status());
  if (!state) return;
  put("models", state.models.length > 0 && models());
  const about = state.models.find(({ name }) => name === state.model);
  put("main", [lost && stale(), state.models.length > 0 && alerts(state.alerts), about && model(about, state.readings, chosen[about.name] ?? {}),
    !about && h("p", { class: "card quiet" }, "No model is configured. Add one under [models] in fairlead.toml."), health(state.health)]);
  document.title = title();
}

function put(id, content) {
  patch(document.getElementById(id), h("div", {}, content));
}

function title() {
  const firing = state.alerts.filter((a) => a.state === "firing").length;
  return [firing && `(${firing})`, state.model, "Fairlead"].filter(Boolean).join(" · ").replace(") · ", ") ");
}

function status() {
  if (lost) return h("span", { class: "pill out_of_limits" }, sign("stale"), "Connection lost");
  if (!state) return h("span", { class: "pill" }, "Connecting");
  const { ready, reason } = state.health;
  return ready ? h("span", { class: "pill within_limits" }, sign("within_limits"), "Live") : h("span", { class: "pill undecided" }, sign("undecided"), `Not ready: ${reason}`);
}

function stale() {
  return h("p", { class: "card banner", role: "alert", "data-key": "lost" }, `The worker has not answered since ${new Date(lost).toLocaleTimeString("en-GB")}. These are its last numbers; trying again.`);
}

function models() {
  return h("ul", {}, state.models.map((about) => h("li", { "data-key": about.name },
    h("a", { href: `#${encodeURIComponent(about.name)}`, "aria-current": about.name === state.model ? "page" : null },
      h("span", { class: "name" }, about.name), h("span", { class: "meta" }, words.plural(about.decisions, "decision")), worst(about)))));
}

function worst({ verdicts, firing, decisions }) {
  if (!decisions) return h("span", { class: "verdict undefined" }, sign("undefined"), "No decision yet");
  if (firing) return h("span", { class: "verdict out_of_limits" }, sign("out_of_limits"), words.plural(firing, "alert"));
  const found = words.ORDER.find((verdict) => verdicts[verdict]);
  return found ? h("span", { class: `verdict ${found}` }, sign(found), words.verdict(found)) : h("span", { class: "meta" }, "No rule");
}

function choose(change) {
  chosen[state.model] = { ...chosen[state.model], ...change };
  draw();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-window]");
  if (button) choose({ window: button.dataset.window });
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-rate]")) choose({ rate: target.value });
});
window.addEventListener("hashchange", () => tick().then(arrive));
document.addEventListener("visibilitychange", () => document.hidden || tick());
tick().then(() => wanted() && arrive());
