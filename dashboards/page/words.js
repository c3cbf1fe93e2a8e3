// Names and numbers as people read them.

// Rates of a decision; with "final_" before them, of the decision that a person made in the end.
const METRICS = {
  selection_rate: ["Selection rate", "Of all people in the group: how many the model decided as positive."],
  true_positive_rate: ["True positive rate", "Of those whose outcome was positive: how many the model decided as positive. Also recall, or equal opportunity."],
  false_positive_rate: ["False positive rate", "Of those whose outcome was negative: how many the model wrongly decided as positive."],
  true_negative_rate: ["True negative rate", "Of those whose outcome was negative: how many the model decided as negative."],
  false_negative_rate: ["False negative rate", "Of those whose outcome was positive: how many the model missed."],
  positive_predictive_value: ["Positive predictive value", "Of those decided as positive: how many turned out positive. Also precision."],
  negative_predictive_value: ["Negative predictive value", "Of those decided as negative: how many turned out negative."],
  false_discovery_rate: ["False discovery rate", "Of those decided as positive: how many turned out negative."],
  false_omission_rate: ["False omission rate", "Of those decided as negative: how many turned out positive."],
  accuracy: ["Accuracy", "Of those whose outcome has come: how many were decided rightly."],
  error_rate: ["Error rate", "Of those whose outcome has come: how many were decided wrongly."],
  f1: ["F1", "Positives found and rightly named, in one number."],
  base_rate: ["Base rate", "Of those whose outcome has come: how many had a positive one."],
  predicted_prevalence: ["Predicted prevalence", "Of those whose outcome has come: how many were decided as positive."],
  coverage: ["Coverage", "Of all decisions: how many have an outcome yet."],
  positive_coverage: ["Coverage of positives", "Of all positive decisions: how many have an outcome yet."],
  negative_coverage: ["Coverage of negatives", "Of all negative decisions: how many have an outcome yet."],
  review_rate: ["Review rate", "Of all decisions: how many a person looked at."],
  override_rate: ["Override rate", "Of the decisions that a person looked at: how many that person changed."],
  override_up_rate: ["Override to positive", "Of the decisions that a person looked at: how many became positive."],
  override_down_rate: ["Override to negative", "Of the decisions that a person looked at: how many became negative."],
  group_share: ["Share of the decisions", "Of all decisions: how many are about this group."],
  share_of_positives: ["Share of the positives", "Of all positive decisions: how many are about this group."],
  equalized_odds: ["Equalized odds", "The larger of the gaps in true and false positive rate."],
  average_odds: ["Average odds", "The mean of the gaps in true and false positive rate."],
  generalized_entropy: ["Generalized entropy", "How unequally the model's errors benefit people; 0 is equally."],
  differential_fairness: ["Differential fairness", "The largest log ratio between two groups' chances; 0 is none."],
  "outcome_lag.p50": ["Outcome lag, median", "Days from a decision to its outcome: half of the outcomes that have come took longer."],
  "outcome_lag.p90": ["Outcome lag, 90th percentile", "Days from a decision to its outcome: one in ten of the outcomes that have come took longer."],
  "outcome_lag.mean": ["Outcome lag, mean", "Days from a decision to its outcome, in the mean of those that have come."],
  auc: ["AUC", "How often a positive case scores higher than a negative one."],
  brier_score: ["Brier score", "Mean squared error of the score as a probability."],
};

const DRIFT = {
  psi: ["Population stability index", "How far the values have moved from the baseline; 0 is not at all, above 0.2 is usually called large."],
  ks: ["Kolmogorov–Smirnov distance", "The largest gap between two cumulative shares, from 0 to 1."],
  tvd: ["Total variation distance", "The share of values that would have to move to get the baseline back."],
  kl: ["Kullback–Leibler divergence", "How surprising the values are to who expects the baseline."],
  jensen_shannon: ["Jensen–Shannon distance", "How far two distributions are apart, from 0 to 1."],
  wasserstein: ["Wasserstein distance", "How far the values moved on average, in their own unit."],
  adwin: ["ADWIN changes", "How many times the mean of the stream changed, as the ADWIN detector finds it."],
};

export const VERDICTS = {
  out_of_limits: ["Out of limits", "The whole interval lies beyond a limit: the gap is more than chance explains."],
  undecided: ["Undecided", "The interval reaches across a limit: more decisions are needed to say."],
  stale: ["Stale", "Nothing has arrived for too long: the last numbers say nothing about today."],
  undefined: ["Undefined", "There is nothing to divide by yet, so there is no number."],
  within_limits: ["Within limits", "The whole interval lies inside the limits. It does not certify that the model is fair."],
};
export const ORDER = Object.keys(VERDICTS);

export function metric(name) {
  if (METRICS[name]) return METRICS[name][0];
  if (name.startsWith("final_")) return `${metric(name.slice(6))}, final decision`;
  if (name.startsWith("flags.")) return `Flag “${name.slice(6)}”`;
  if (name.startsWith("reasons.")) return `Reason “${name.slice(8)}”`;
  return sentence(name.replaceAll("_", " "));
}
export const metricHint = (name) => METRICS[name.replace(/^final_/, "")]?.[1] ?? "";

// Whether a metric is a share, shown in percent and its differences in points; others are plain numbers.
export const isShare = (name) => /(_rate|_value|_share|coverage|prevalence|accuracy|f1|share_of_positives|odds)$|^(flags|reasons)\./.test(name);
export const measure = (name) => DRIFT[name]?.[0] ?? sentence(name.replaceAll("_", " "));
const LOOKS = { undeclared: "declared by nobody", email: "looks like email addresses", phone: "looks like phone numbers", iban: "looks like bank accounts", card: "looks like payment cards", ssn: "looks like social security numbers" };
export const exposure = (kind) => LOOKS[kind] ?? sentence(kind);
export const measureHint = (name) => DRIFT[name]?.[1] ?? "";
export const verdict = (name) => VERDICTS[name]?.[0] ?? sentence(name);

// "features.priors_count" → "feature priors_count"; "selection.race.Asian" → "selection rate, race: Asian".
export function stream(name) {
  if (name.startsWith("features.")) return `Feature ${name.slice(9)}`;
  const [kind, attribute, ...group] = name.split(".");
  if (kind === "selection" && group.length > 0) return `Selection rate, ${attribute}: ${group.join(".")}`;
  return { score: "Score", error: "Errors", selection: "Selection rate" }[name] ?? name;
}

const whole = new Intl.NumberFormat("en");
const few = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const big = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const NONE = "–";

export const count = (n) => (n === null || n === undefined ? NONE : whole.format(n));
export const short = (n) => (n < 100000 ? whole.format(n) : big.format(n));
export const number = (v) => (v === null || v === undefined ? NONE : few.format(v));
export const percent = (v, digits = 1) => (v === null || v === undefined ? NONE : `${(100 * v).toFixed(digits)} %`);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// A rate: "44.8 %", or a plain number where it is no share.
export const rate = (v, name) => (isShare(name) ? percent(v) : number(v));

// A gap as it is compared: "+21.4 pts", "0.592 ×", "44.8 %"; plain numbers where it is of no share.
export function gap(v, { compare, metric }) {
  if (v === null || v === undefined) return NONE;
  if (compare === "ratio") return `${v.toFixed(3)} ×`;
  if (compare === "value") return rate(v, metric);
  const signed = v > 0 ? "+" : v < 0 ? "−" : "";
  return isShare(metric) ? `${signed}${(100 * Math.abs(v)).toFixed(1)} pts` : `${signed}${number(Math.abs(v))}`;
}

// An interval, with the unit once: "+18.2 to +24.5 pts"; one of its ends may be open.
export function gaps(low, high, about) {
  if (low === null && high === null) return NONE;
  if (low === null) return `up to ${gap(high, about)}`;
  if (high === null) return `${gap(low, about)} or more`;
  return `${gap(low, about).split(" ")[0]} to ${gap(high, about)}`;
}

export function limits(about) {
  const { min, max, compare } = about;
  if (min === null && max === null) return "no limit";
  if (min === null) return `at most ${gap(max, about)}`;
  if (max === null) return `at least ${gap(min, about)}`;
  return compare === "difference" && min === -max ? `limit ±${gap(max, about).slice(1)}` : `limits ${gaps(min, max, about)}`;
}

// Why a test began anew, with its numbers where groups may be known.
export function restart({ text, at, times, events, fed }) {
  const details = [`from ${day(at)} on`, events !== null && fed !== null && `${count(events)} of ${plural(fed, "event")}`, times > 1 && `the last of ${count(times)} times`];
  return `${sentence(text)} (${details.filter(Boolean).join(", ")}).`;
}

export function bytes(n) {
  const step = Math.min(4, Math.floor(Math.log10(Math.max(n, 1)) / 3));
  return `${few.format(n / 1000 ** step)} ${["B", "kB", "MB", "GB", "TB"][step]}`;
}

export const seconds = (s) => (s < 1 ? `${Math.round(s * 1000)} ms` : s < 60 ? `${few.format(s)} s` : span(s));

export function span(s) {
  const units = [["days", 172800, 86400], ["h", 3600, 3600], ["min", 60, 60], ["s", 0, 1]];
  const [name, , size] = units.find(([, least]) => s >= least);
  return `${count(Math.floor(s / size))} ${name}`;
}

export const ago = (wall) => (wall === null ? "never" : `${span(Math.max(0, Date.now() / 1000 - wall))} ago`);

const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
export const day = (ms) => (ms === null ? NONE : days.format(ms));
export const time = (ms) => (ms === null ? NONE : `${minutes.format(ms)} UTC`);
export const date = (ms) => (ms === null ? NONE : `${day(ms)}, ${time(ms)}`);
export const window = (name) => ({ all: "All time", month: "This month", last_month: "Last month" }[name] ?? `Last ${name.replace(/^(\d+)([smhdw])$/, (_, n, unit) => plural(Number(n), { s: "second", m: "minute", h: "hour", d: "day", w: "week" }[unit]))}`);
