"""What columns are taken for, by their names and values."""

import pytest

from streams.commands.init.guess import Column, Guess, bands, guess, prefix
from streams.commands.init.positive import of_outcome, positive

DAYS = [f"2026-01-{day:02}" for day in range(1, 31)]


def guessed(rows: int = 30, **columns: list[str]) -> Guess:
    """The guess about columns whose values repeat until there are enough rows."""
    filled = [[values[i % len(values)] for values in columns.values()] for i in range(rows)]
    return guess(list(columns), filled)


def name(column: Column | None) -> str | None:
    return None if column is None else column.name


def names(columns: list[Column]) -> list[str]:
    return [column.name for column in columns]


NUMBERS = [str(i) for i in range(100)]


def test_each_column_means_one_thing() -> None:
    found = guessed(
        loanId=NUMBERS,
        decided_at=DAYS,
        closed_at=DAYS,
        approved=["yes", "no"],
        officer_decision=["yes", "no", ""],
        repaid=["1", "0"],
        risk_score=["0.1", "0.7", "0.9"],
        customer_id=["7", "8"],
        model_version=["1", "2"],
        was_explained=["true", "false"],
        csat=["1", "5"],
        Gender=["f", "m"],
        language=["en", "de"],
        region=["N", "S"],
        income=["1000", "2000"],
        notes=[f"free text {i}" for i in range(60)],
    )
    roles = ("id", "time", "outcome_time", "decision", "final", "outcome", "score", "entity", "version")
    assert {role: name(getattr(found, role)) for role in roles} == {
        "id": "loanId",
        "time": "decided_at",
        "outcome_time": "closed_at",
        "decision": "approved",
        "final": "officer_decision",
        "outcome": "repaid",
        "score": "risk_score",
        "entity": "customer_id",
        "version": "model_version",
    }
    assert (names(found.protected), names(found.usable)) == (["Gender"], [])
    assert (names(found.flags), names(found.values)) == (["was_explained"], ["csat"])
    assert names(found.slices) == ["region"]
    assert names(found.features) == ["language", "income", "notes"]


def test_labels_play_the_decision_where_there_is_none() -> None:
    assert name(guessed(label=["0", "1"], telephone=["a", "b"]).decision) == "label"
    assert name(guessed(telephone=["a", "b"], risk=["1", "2"]).decision) == "risk"
    assert guessed(text=NUMBERS).decision is None


def test_stand_ins_where_nothing_is_protected() -> None:
    found = guessed(decision=["0", "1"], postcode=["N1 9GU", "SW1A 1AA"], locale=["en", "de"], new=["0", "1"])
    assert names(found.attributes) == ["postcode", "locale", "new"]


@pytest.mark.parametrize("name_", ["wage", "language_score", "stage", "racecourse", "message"])
def test_a_word_inside_another_is_none(name_: str) -> None:
    assert guessed(decision=["0", "1"], **{name_: ["1", "2", "3"]}).protected == []


@pytest.mark.parametrize(
    ("values", "is_time"),
    [
        (["2026-01-31", "2026-02-01T12:00:00Z"], True),
        (["20260131", "20260201"], True),
        (["1767225600", "1767225601.5"], True),
        (["1767225600000", "1767225601000"], False),  # ms: events carry seconds
        (["31/01/2026", "01/02/2026"], False),
        (["morning", "evening"], False),
    ],
)
def test_times_are_those_that_events_may_carry(values: list[str], is_time: bool) -> None:
    assert (guessed(time=values, decision=["0", "1"]).time is not None) is is_time


def test_dates_of_another_spelling_are_named_and_birthdays_are_no_times() -> None:
    found = guessed(date=["31.01.2026", "01.02.2026"], birth_date=DAYS, decision=["0", "1"])
    assert (names(found.undated), found.time) == (["date"], None)


def test_an_id_names_each_row_once() -> None:
    assert guessed(customer_id=["1", "2"], decision=["0", "1"]).id is None
    assert name(guessed(customer_id=NUMBERS, case=NUMBERS, decision=["0", "1"]).id) == "case"
    assert name(guessed(user_id=NUMBERS, decision=["0", "1"]).id) == "user_id"


def test_an_attribute_of_too_many_groups_is_none() -> None:
    assert guessed(rows=99, decision=["0", "1"], ethnicity=[f"g{i}" for i in range(60)]).protected == []


def test_ages_are_cut_into_bands_and_postcodes_shortened() -> None:
    assert bands(Column("Age", NUMBERS), [25, 62]) == [25, 62]
    assert bands(Column("age_cat", ["young", "old"]), [25]) is None
    assert prefix(Column("zip", ["90210", "10001"])) == 3
    assert prefix(Column("postcode", ["N1 9GU", "SW1A 1AA"])) == 2
    assert prefix(Column("postcode_area", ["N1", "SW1"])) is None


@pytest.mark.parametrize(
    ("column", "values", "expected", "good"),
    [
        ("decision", ["approved", "refused"], ["approved"], True),
        ("decision", ["not approved", "approved"], ["approved"], True),
        ("decision", ["declined", "other"], ["declined"], False),
        ("approved", ["0", "1"], ["1"], True),
        ("approved", ["True", "False"], ["true"], True),
        ("fraud", ["0", "1"], ["1"], False),
        ("score_text", ["Low", "Medium", "High"], ["High", "Medium"], False),
        ("income", ["<=50K", ">50K"], [">50K"], True),
        ("risk", ["1", "2"], ["1"], True),
    ],
)
def test_which_decision_is_positive_and_whether_it_is_good(
    column: str, values: list[str], expected: list[str], good: bool
) -> None:
    found = positive(Column(column, values))
    assert (found.values, found.favourable) == (expected, good)


def test_a_mere_guess_says_so() -> None:
    assert "CHECK" in positive(Column("risk", ["1", "2"])).why
    assert "CHECK" not in positive(Column("approved", ["0", "1"])).why


@pytest.mark.parametrize(
    ("column", "favourable", "expected"),
    [("repaid", True, "1"), ("defaulted", True, "0"), ("repaid", False, "0"), ("recid", False, "1")],
)
def test_a_positive_outcome_is_what_a_positive_decision_foretells(
    column: str, favourable: bool, expected: str
) -> None:
    assert of_outcome(Column(column, ["0", "1"]), favourable) == [expected]
