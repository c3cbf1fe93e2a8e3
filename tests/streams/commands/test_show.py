"""Readings as tables for a terminal."""

import io

from msgspec.structs import replace
from rich.console import Console

from monitor.config import Model, Rule
from monitor.events import Invalid
from monitor.readings import Attribute, Caution, Group, Rate, Reading, Restart, Verdict
from streams.commands import show
from streams.commands.measure import Measured
from tests.readings import NOW, drift, gap, reading

RATE = Rate(0.448, 0.426, 0.472, 1795)
GROUPS = {
    "African-American": Group(3696, 1.0, {"tp": 1369}, {"selection_rate": RATE}),
    "[b]Caucasian[/b]": Group(2454, 0.5, {}, {"selection_rate": Rate(None, None, None, 0)}),
}
GAP = gap(reference="[b]Caucasian[/b]", value=0.214, low=0.182, high=None, rule="gap")
PSI = drift(value=None, n=0, baseline_n=9, verdict=Verdict.UNDEFINED, rule="psi")
READING = reading(
    as_of=NOW - 1,
    decisions=6150,
    feedback=4923,
    attributes={"race": Attribute("[b]Caucasian[/b]", GROUPS, [GAP])},
    drift=[PSI],
)
MODEL = Model(positive=["High"], favourable=False, rules=[Rule(metric="accuracy", min=0)])


def printed(reading: Reading = READING, model: Model = MODEL, everything: bool = False) -> str:
    out = io.StringIO()
    measured = Measured(
        [reading], {"not_finite": 2}, {"not_finite": [Invalid(7, "not_finite", "score: NaN")]}
    )
    show.show(Console(file=out, width=140), measured, model, None, everything)
    return " ".join(out.getvalue().split())


def test_all_is_said() -> None:
    text = printed()
    for words in (
        "compas: 6,150 decisions, 4,923 with an outcome, window all, as of 2013-12-31",
        "positive is High, which is bad for the person",
        "2 invalid events, not_finite (row 7: score: NaN)",
        "race (reference [b]Caucasian[/b]), rates in % with 95 % intervals",
        "African-American 3,696 100.0 44.8",
        "(43–47)",
        "[b]Caucasian[/b] 2,454 50.0 – – – –",
        "false_positive_rate difference of race to [b]Caucasian[/b], allowed ≤ 0.1, all",
        "African-American 0.214 0.182 to … 1,795 out of limits",
        "psi score – – 0 ≤ 0.2 30d undefined",
    ):
        assert words in text


def test_what_no_rule_asks_is_shown_on_demand() -> None:
    unasked = replace(READING, attributes={"race": Attribute(None, {}, [replace(GAP, rule=None)])}, drift=[])
    assert "false_positive_rate" not in printed(unasked)
    assert "false_positive_rate" in printed(unasked, everything=True)
    assert "false_positive_rate" in printed(unasked, model=Model(positive=["High"]))


def test_an_undecided_verdict_says_how_many_more() -> None:
    undecided = replace(GAP, verdict=Verdict.UNDECIDED, needed=4121)
    reading = replace(READING, attributes={"race": Attribute(None, {}, [undecided])})
    assert "undecided (about 4,121 more)" in printed(reading)


def test_an_undecided_verdict_says_about_when_and_what_would_be_proved_today() -> None:
    undecided = replace(GAP, verdict=Verdict.UNDECIDED, needed=4121, due=1_400_000_000_000, detectable=0.2149)
    reading = replace(READING, attributes={"race": Attribute(None, {}, [undecided])})
    assert "undecided (about 4,121 more, about 2014-05-13; provable: 0.215)" in printed(reading)
    decided = replace(undecided, verdict=Verdict.OUT)
    assert "2014-05-13" not in printed(replace(reading, attributes={"race": Attribute(None, {}, [decided])}))


def test_drift_shows_its_interval() -> None:
    drifted = replace(PSI, value=0.31, low=0.22, high=0.4, n=900, verdict=Verdict.OUT)
    assert "psi score 0.31 0.220 to 0.400 900" in printed(replace(READING, drift=[drifted]))


def test_cautions_are_said() -> None:
    caution = Caution(kind="outcome_lag", text="Outcomes of [b]F[/b] come later.", value=2, low=2, high=None)
    assert "Caution: Outcomes of [b]F[/b] come later." in printed(replace(READING, cautions=[caution]))


def test_no_name_gives_orders_to_the_terminal() -> None:
    group = "\x1b[31mred\x1b]0;owned\x07\u202e"
    race = Attribute(group, {group: Group(9, None, {}, {})}, [replace(GAP, group=group, reference=group)])
    text = printed(replace(READING, attributes={group: race}, drift=[replace(PSI, stream=group)]))
    assert "red" in text
    assert not set("\x1b\x07\u202e") & set(text)


def test_references_that_differ_stand_beside_their_groups() -> None:
    pair = replace(GAP, group="[b]Caucasian[/b]", reference="African-American")
    reading = replace(READING, attributes={"race": Attribute(None, {}, [GAP, pair])})
    text = printed(reading)
    assert "false_positive_rate difference of race, allowed ≤ 0.1, all" in text
    assert "African-American to [b]Caucasian[/b] 0.214" in text
    assert "[b]Caucasian[/b] to African-American 0.214" in text


def test_what_a_test_proved_and_why_it_began_anew_is_said() -> None:
    why = Restart(rule="gap", attribute="race", reason="edited", text="the rule was edited", at=NOW, times=1)
    proved = replace(GAP, proved=NOW, proved_after=1_234, onset=NOW)
    groups = Attribute("[b]Caucasian[/b]", GROUPS, [proved])
    later = replace(why, reason="new_group", text="the group was not there")
    text = printed(replace(READING, attributes={"race": groups}, restarts=[why, later]))
    assert "was not there" not in text
    assert "out of limits (proved 2014-01-01 by 1,234 cases; changed about 2014-01-01)" in text
    assert "gap, by race: The rule was edited (from 2014-01-01 on)." in text
