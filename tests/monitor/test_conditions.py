"""Conditioning columns, reasons, and outcomes that must mature, through the library's face."""

from monitor import Monitor
from monitor.config import Model, Rule
from monitor.events import Decision, Feedback

DAY = 86_400.0


def loan(number: int, sex: str, region: str, decision: str, day: float = 0.0, **more: object) -> Decision:
    return Decision(
        id=f"{sex}{region}{number}{day}", model="loans", time=day * DAY, decision=decision,
        attributes={"sex": sex}, slices={"region": region}, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_gap_within_regions_vanishes_where_regions_explain_it() -> None:
    """Simpson: in each region women and men are approved alike, and overall women are approved less."""
    model = Model(
        positive=["yes"],
        attributes=["sex"],
        slices=["region"],
        windows=["all"],
        reference={"sex": "M"},
        rules=[Rule(metric="within.region.selection_rate", min=-0.1, max=0.1)],
    )
    monitor = Monitor("loans", model)
    for sex, north, south in (("F", 40, 10), ("M", 10, 40)):
        for region, n, rate in (("N", north, 0.2), ("S", south, 0.8)):
            monitor.observe([loan(i, sex, region, "yes" if i < n * rate else "no") for i in range(n)])
    [reading] = monitor.advance(DAY)
    overall = next(
        c
        for c in reading.attributes["sex"].comparisons
        if (c.metric, c.compare, c.group) == ("selection_rate", "difference", "F")
    )
    within = next(c for c in reading.composites if c.metric == "within.region.selection_rate")
    assert overall.value == 0.32 - 0.68
    assert within.value is not None
    assert abs(within.value) < 1e-12


def test_a_version_is_a_condition_and_reasons_are_rates() -> None:
    model = Model(positive=["yes"], attributes=["sex"], slices=["version"], windows=["all"])
    monitor = Monitor("loans", model)
    monitor.observe(
        [
            loan(1, "F", "N", "no", version="2", reasons=["INCOME", "AGE"]),
            loan(2, "F", "N", "no", version="2", reasons=["INCOME"]),
            loan(3, "F", "N", "yes", version="1"),
        ]
    )
    [reading] = monitor.advance(DAY)
    rates = reading.attributes["sex"].groups["F"].rates
    assert {name: rates[name].value for name in rates if name.startswith("reasons.")} == {
        "reasons.AGE": 1 / 3,
        "reasons.INCOME": 2 / 3,
    }


def test_immature_outcomes_do_not_count() -> None:
    model = Model(positive=["yes"], attributes=["sex"], windows=["30d"], mature_after="10d")
    monitor = Monitor("loans", model)
    for day in (1.0, 15.0):
        monitor.observe([loan(i, "F", "N", "yes", day=day) for i in range(3)])
        monitor.learn(
            [
                Feedback(decision_id=loan(i, "F", "N", "yes", day=day).id, time=(day + 1) * DAY, outcome=True)
                for i in range(3)
            ]
        )
    group = monitor.advance(20 * DAY)[0].attributes["sex"].groups["F"]
    assert (group.n, group.counts["tp"], group.counts["up"], group.coverage) == (6, 3, 3, 0.5)


def test_calendar_months() -> None:
    model = Model(positive=["yes"], attributes=["sex"], windows=["month", "last_month", "all"])
    monitor = Monitor("loans", model)
    january, february, march = 0.0, 31.0, 59.0  # 1970
    for day in (january, february, march - 1, march, march + 3):
        monitor.observe([loan(1, "F", "N", "yes", day=day)])
    assert [reading.decisions for reading in monitor.advance((march + 3) * DAY)] == [2, 2, 5]
    assert [reading.decisions for reading in monitor.advance((february + 1) * DAY)] == [4, 1, 5]
