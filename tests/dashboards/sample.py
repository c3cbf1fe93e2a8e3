"""A view as a worker would give it: COMPAS with ProPublica's published counts, a credit model that has
no outcomes yet, and a model that no event has come for."""

from itertools import product
from math import exp, log, sqrt
from zlib import crc32

from msgspec import Struct, field
from msgspec.structs import replace

from dashboards.view import Health, Latency, Table
from monitor.config import Model, Rule
from monitor.events.exposed import Exposure
from monitor.readings import Attribute, Caution, Comparison, Drift, Group, Rate, Reading, Restart, Verdict

Counts = dict[str, int]
Z = 1.959964
DAY = 86_400_000
AS_OF = 1_514_678_400_000  # 2017-12-31
PROVED = AS_OF - 100 * DAY
PUBLISHED: dict[str, dict[str, Counts]] = {
    "race": {
        "African-American": {"tp": 1369, "fp": 805, "fn": 532, "tn": 990},
        "Caucasian": {"tp": 505, "fp": 349, "fn": 461, "tn": 1139},
        "Hispanic": {"tp": 103, "fp": 87, "fn": 129, "tn": 318},
        "Other": {"tp": 43, "fp": 36, "fn": 90, "tn": 208},
        "Asian": {"tp": 6, "fp": 2, "fn": 3, "tn": 21},
        "Native American": {"tp": 9, "fp": 3, "fn": 1, "tn": 5},
    },
    "sex": {
        "Female": {"tp": 303, "fp": 288, "fn": 195, "tn": 609},
        "Male": {"tp": 1732, "fp": 994, "fn": 1021, "tn": 2072},
    },
    "age_cat": {
        "25 - 45": {"tp": 1183, "fp": 741, "fn": 706, "tn": 1479},
        "Greater than 45": {"tp": 213, "fp": 181, "fn": 285, "tn": 897},
        "Less than 25": {"tp": 639, "fp": 360, "fn": 225, "tn": 305},
    },
}
LAST_MONTH: dict[str, dict[str, Counts]] = {
    "race": {
        "African-American": {"tp": 9, "fp": 0, "fn": 4, "tn": 0, "up": 61, "un": 44},
        "Caucasian": {"tp": 4, "fp": 0, "fn": 3, "tn": 0, "up": 26, "un": 47},
        "Hispanic": {"tp": 1, "fp": 0, "fn": 1, "tn": 0, "up": 8, "un": 14},
        "Other": {"tp": 0, "fp": 0, "fn": 1, "tn": 0, "up": 3, "un": 9},
        "Asian": {"tp": 0, "fp": 0, "fn": 0, "tn": 0, "up": 1, "un": 2},
    },
    "sex": {
        "Female": {"tp": 2, "fp": 0, "fn": 2, "tn": 0, "up": 19, "un": 26},
        "Male": {"tp": 12, "fp": 0, "fn": 7, "tn": 0, "up": 80, "un": 90},
    },
}
CREDIT: dict[str, dict[str, Counts]] = {
    "sex": {"female": {"up": 3204, "un": 2148}, "male": {"up": 3871, "un": 2290}},
    "age_band": {
        "18–29": {"up": 1402, "un": 1248},
        "30–49": {"up": 3620, "un": 2011},
        "50+": {"up": 2053, "un": 1179},
    },
    "sex & age_band": {
        "female & 18–29": {"up": 624, "un": 592},
        "female & 30–49": {"up": 1655, "un": 1002},
        "female & 50+": {"up": 925, "un": 554},
        "male & 18–29": {"up": 778, "un": 656},
        "male & 30–49": {"up": 1965, "un": 1009},
        "male & 50+": {"up": 1128, "un": 625},
    },
}
RATES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "selection_rate": (("tp", "fp", "up"), ("tp", "fp", "fn", "tn", "up", "un")),
    "true_positive_rate": (("tp",), ("tp", "fn")),
    "false_positive_rate": (("fp",), ("fp", "tn")),
    "false_negative_rate": (("fn",), ("tp", "fn")),
    "positive_predictive_value": (("tp",), ("tp", "fp")),
    "accuracy": (("tp", "tn"), ("tp", "fp", "fn", "tn")),
}
MODELS = {
    "compas": Model(
        positive=["Medium", "High"],
        favourable=False,
        purpose="Risk of a new offence within two years, shown to the judge before the hearing",
        owner="Broward County Pretrial Services",
        appeal="https://example.org/appeal",
        attributes=["race", "sex", "age_cat"],
        reference={"race": "Caucasian", "sex": "Male"},
        windows=["30d", "all"],
        rules=[
            Rule(metric="false_positive_rate", min=-0.05, max=0.05, severity="critical"),
            Rule(metric="selection_rate", compare="ratio", min=0.8),
        ],
    ),
    "credit": Model(
        positive=["approved"],
        purpose="Consumer loans up to 25,000: approve or decline",
        owner="Retail lending",
        attributes=["sex", "age_band", ["sex", "age_band"]],
        reference="highest",
        windows=["24h", "all"],
        rules=[Rule(metric="selection_rate", compare="ratio", min=0.8, severity="critical")],
    ),
    "support-bot": Model(positive=[True], purpose="Answers customers' questions", owner="Customer care"),
}


class SampleAlert(Struct, frozen=True, kw_only=True):
    """An alert as `alerts` would give it."""

    id: str
    sequence: int = 1
    state: str = "firing"
    model: str
    rule: str
    severity: str = "warning"
    since: int = AS_OF - 30 * DAY
    changed: int = AS_OF - 30 * DAY
    evidence: Comparison | Drift | Exposure
    episode: int = 1
    fired: bool = True
    note: str = ""


class SampleView(Struct):
    """A view over plain data."""

    shown: list[Reading]
    firing: list[SampleAlert]
    state: Health
    watched: dict[str, Model] = field(default_factory=lambda: dict(MODELS))

    def readings(self) -> list[Reading]:
        return self.shown

    def alerts(self) -> list[SampleAlert]:
        return self.firing

    def health(self) -> Health:
        return self.state

    def models(self) -> dict[str, Model]:
        return self.watched

    def later(self, events: int) -> None:
        """`events` more of everything that counts, as a stream in motion."""
        h = self.state
        self.state = replace(
            h,
            events={topic: n + events for topic, n in h.events.items()},
            invalid={reason: n + events for reason, n in h.invalid.items()},
            unknown_fields={name: n + events for name, n in h.unknown_fields.items()},
            duplicates=h.duplicates + events,
            conflicts=h.conflicts + events,
            misrouted=h.misrouted + events,
            lost={topic: n + events for topic, n in h.lost.items()},
            capped=h.capped + events,
            set_aside={model: n + events for model, n in h.set_aside.items()},
            latency=replace(h.latency, counts=[n + events for n in h.latency.counts]),
        )


def sample() -> SampleView:
    """A busy worker."""
    readings = [
        reading("compas", "30d", LAST_MONTH, {"race": "Caucasian", "sex": "Male"}),
        reading("compas", "all", PUBLISHED, {"race": "Caucasian", "sex": "Male", "age_cat": "25 - 45"}),
        reading(
            "credit", "all", CREDIT, {"sex": "male", "age_band": "30–49", "sex & age_band": "male & 30–49"}
        ),
    ]
    return SampleView(readings, list(_alerts(readings)), health())


def nothing() -> SampleView:
    """A worker that no event has come to."""
    return SampleView([], [], Health(ready=True, version="0.1.0"))


def reading(
    model: str, window: str, counts: dict[str, dict[str, Counts]], reference: Counts | dict[str, str]
):
    """One reading from the confusion counts of every group."""
    total = counts["sex"].values()
    return Reading(
        model=model,
        window=window,
        as_of=AS_OF,
        decisions=sum(sum(c.values()) for c in total),
        feedback=sum(_sum(c, ("tp", "fp", "fn", "tn")) for c in total),
        attributes={name: attribute(name, window, by, reference[name]) for name, by in counts.items()},
        composites=[],
        drift=drift(window) if window == "all" else [],
        cautions=CAUTIONS if window == "all" else [],
        restarts=[RESTART] if model == "compas" else [],
    )


RESTART = Restart(
    rule="selection_rate ratio, all",
    attribute="race",
    reason="corrected",
    text="too many of the events that the test had been fed were corrected afterwards",
    at=AS_OF - 500 * DAY,
    times=3,
    group="African-American",
    reference="Caucasian",
    events=31,
    fed=1_812,
)
CAUTIONS = [
    Caution(
        kind="outcome_lag",
        text="Outcomes of Hispanic come later than those of Caucasian: after 80 days, against 40.",
        value=2.0,
        low=1.7,
        high=2.4,
        attribute="race",
        group="Hispanic",
        reference="Caucasian",
    ),
    Caution(kind="selective_outcomes", text="Outcomes come selectively.", value=0.3, low=0.2, high=0.4),
]


def attribute(name: str, window: str, by: dict[str, Counts], reference: str) -> Attribute:
    groups = {g: group(c) for g, c in by.items()}
    pairs = product(groups, [("false_positive_rate", "difference"), ("selection_rate", "ratio")])
    ruled = [
        compare(groups, g, reference, metric, how, name=name, window=window)
        for g, (metric, how) in pairs
        if g != reference
    ]
    free = [
        compare(groups, g, reference, metric, "difference", name=name, window=window, limited=False)
        for g, metric in product(groups, ["selection_rate", "true_positive_rate", "accuracy"])
        if g != reference
    ]
    return Attribute(reference=reference, groups=groups, comparisons=ruled + free)


def group(counts: Counts) -> Group:
    n = sum(counts.values())
    return Group(
        n=n,
        coverage=_sum(counts, ("tp", "fp", "fn", "tn")) / n if n else None,
        counts=counts,
        rates={name: wilson(_sum(counts, top), _sum(counts, below)) for name, (top, below) in RATES.items()},
    )


def wilson(hits: int, n: int) -> Rate:
    if n == 0:
        return Rate(None, None, None, 0)
    p, half = hits / n, Z * sqrt(hits / n * (1 - hits / n) / n + Z * Z / (4 * n * n))
    middle, scale = p + Z * Z / (2 * n), 1 + Z * Z / n
    return Rate(p, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale), n)


def compare(
    groups: dict[str, Group],
    which: str,
    reference: str,
    metric: str,
    how: str,
    *,
    name: str,
    window: str,
    limited: bool = True,
) -> Comparison:
    a, b = groups[which].rates[metric], groups[reference].rates[metric]
    low, value, high = _difference(a, b) if how == "difference" else _ratio(a, b)
    least, most = (None, None) if not limited else (-0.05, 0.05) if how == "difference" else (0.8, None)
    verdict = _verdict(low, high, least, most)
    return Comparison(
        metric=metric,
        compare=how,
        attribute=name,
        group=which,
        reference=reference,
        value=value,
        low=low,
        high=high,
        n=a.n,
        reference_n=b.n,
        group_rate=a.value,
        reference_rate=b.value,
        min=least,
        max=most,
        verdict=verdict,
        window=window,
        rule=f"{metric} {how}, {window}" if limited else None,
        needed=4 * a.n + 12 if verdict is Verdict.UNDECIDED and limited else None,
        cs_low=low and low - 0.05,
        cs_high=high and high + 0.05,
        proved=PROVED if (out := limited and verdict is Verdict.OUT) else None,
        onset=PROVED - DAY if out else None,
        listed=out,
        since=RESTART.at if (again := out and how == "ratio") else None,
        restart=replace(RESTART, attribute=name, group=which, reference=reference) if again else None,
        tested=a.n + b.n if out else 0,
        outside=24 if again else 0,
    )


def _difference(a: Rate, b: Rate) -> tuple[float, float, float] | tuple[None, None, None]:
    if a.value is None or b.value is None:
        return None, None, None
    d = a.value - b.value
    below = sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    above = sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return d - below, d, d + above


def _ratio(a: Rate, b: Rate) -> tuple[float, float, float] | tuple[None, None, None]:
    if not a.value or not b.value:
        return None, None, None
    spread = Z * sqrt((1 - a.value) / (a.value * a.n) + (1 - b.value) / (b.value * b.n))
    middle = log(a.value / b.value)
    return exp(middle - spread), exp(middle), exp(middle + spread)


def _verdict(low: float | None, high: float | None, least: float | None, most: float | None) -> Verdict:
    if low is None or high is None:
        return Verdict.UNDEFINED
    if (least is not None and high < least) or (most is not None and low > most):
        return Verdict.OUT
    inside = (least is None or low >= least) and (most is None or high <= most)
    return Verdict.WITHIN if inside and (least, most) != (None, None) else Verdict.UNDECIDED


def drift(window: str) -> list[Drift]:
    common = {"window": window, "n": 7214, "baseline_n": 1000}
    return [
        Drift(
            measure="psi", stream="score", value=0.041, max=0.2, verdict=Verdict.WITHIN, rule="psi", **common
        ),
        Drift(measure="ks", stream="score", value=0.062, max=None, verdict=Verdict.UNDECIDED, **common),
        Drift(
            measure="psi",
            stream="features.priors_count",
            value=0.31,
            low=0.25,
            high=0.38,
            max=0.2,
            verdict=Verdict.OUT,
            rule="psi",
            **common,
        ),
        Drift(
            measure="adwin",
            stream="error",
            value=2,
            max=0,
            verdict=Verdict.OUT,
            at=AS_OF - 90 * DAY,
            rule="adwin",
            **common,
        ),
        Drift(
            measure="adwin",
            stream="selection.race.Asian",
            value=0,
            max=0,
            verdict=Verdict.WITHIN,
            rule="adwin",
            **common,
        ),
    ]


def _alerts(readings: list[Reading]):
    """An alert for every comparison and drift that is out of its limits."""
    for r in readings:
        compared = [c for a in r.attributes.values() for c in a.comparisons]
        for about in [*compared, *r.drift]:
            if about.verdict is Verdict.OUT:
                yield SampleAlert(
                    id=f"{r.model}-{crc32(str(about).encode()):08x}",
                    model=r.model,
                    rule=about.rule,
                    severity="critical" if "false_positive" in about.rule else "warning",
                    state="resolved" if isinstance(about, Drift) and about.measure == "adwin" else "firing",
                    evidence=about,
                )


def health() -> Health:
    return Health(
        ready=True,
        version="0.1.0",
        events={"decisions": 18_727, "feedback": 7_214},
        invalid={"bad JSON": 3, "unknown model": 12, "time out of range": 1},
        unknown_fields={"colour": 4},
        duplicates=214,
        conflicts=2,
        misrouted=9_031,
        lost={"decisions": 0, "feedback": 0},
        capped=1,
        set_aside={"credit": 6},
        orphans=17,
        pending=11_513,
        lag={"decisions": {0: 0, 1: 120, 2: 3, 3: 0}, "feedback": {0: 0, 1: 0, 2: 8, 3: 0}},
        undeclared={"credit": 0},
        personal={"credit": 0},
        tables={"facts": Table(25_941, 3_144_221), "panes": Table(1_204, 402_113), "alerts": Table(4, 3_120)},
        assigned=8,
        recovered=8,
        last_arrival=1_798_000_000.0,
        clock=AS_OF,
        latency=Latency(counts=[120, 900, 4_000, 9_000, 3_000, 400, 20, 1, 0, 0, 0], total=6_120.0),
    )


def _sum(counts: Counts, names: tuple[str, ...]) -> int:
    return sum(counts.get(name, 0) for name in names)
