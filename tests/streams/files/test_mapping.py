"""What becomes of a row's cells."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from monitor.config import Columns
from streams.files import mapping

COLUMNS = Columns(
    score="s",
    value="v",
    entity="who",
    version="model version",
    final="officer",
    outcome="y",
    outcome_time="y_time",
    attributes={"sex": "Sex"},
    slices={"region": "Region"},
    features={"income": "Income"},
    flags={"explained": "Letter"},
    values={"csat": "Rating"},
)
ROW = {"id": "7", "time": "2026-01-01", "decision": "yes"}


def decided(**cells: object) -> dict[str, object]:
    names = {"version": "model version"}
    row = {**ROW, **{names.get(name, name): cell for name, cell in cells.items()}}
    fields = mapping.decision(row, COLUMNS, "credit")
    return {name: value for name, value in fields.items() if name not in ("id", "model", "time")}


def test_a_row_of_text_becomes_a_decision() -> None:
    row = ROW | {
        "s": "0.5",
        "v": "1200",
        "who": "p",
        "model version": "1.0",
        "Sex": "F",
        "Region": "N",
        "Income": "31",
    }
    assert mapping.decision(row | {"Letter": "yes"}, COLUMNS, "credit") == {
        "id": "7",
        "model": "credit",
        "time": "2026-01-01",
        "decision": "yes",
        "score": 0.5,
        "value": 1200,
        "entity": "p",
        "version": 1.0,
        "attributes": {"sex": "F"},
        "slices": {"region": "N"},
        "features": {"income": 31},
        "flags": {"explained": True},
    }


def test_a_row_of_text_becomes_feedback() -> None:
    row = ROW | {"officer": "no", "y": "1", "y_time": "2026-02-01", "Rating": "4.5"}
    assert mapping.feedback(row, COLUMNS) == {
        "decision_id": "7",
        "time": "2026-02-01",
        "outcome": "1",
        "decision": "no",
        "values": {"csat": 4.5},
    }


@pytest.mark.parametrize("empty", ["", "NaN", "nan", "null", None, float("nan")])
def test_nothing_that_came_back_is_no_feedback(empty: object) -> None:
    assert mapping.feedback(ROW | {"y": empty}, COLUMNS) is None


def test_feedback_without_a_time_of_its_own_is_as_old_as_the_decision() -> None:
    found = mapping.feedback(ROW | {"y": "1"}, Columns(outcome="y"))
    assert found is not None
    assert found["time"] == "2026-01-01"


def test_feedback_whose_time_is_missing_says_so_to_validation() -> None:
    found = mapping.feedback(ROW | {"y": "1", "y_time": ""}, COLUMNS)
    assert found is not None
    assert "time" not in found


@pytest.mark.parametrize(
    ("cell", "feature"),
    [
        ("31.5", 31.5),
        ("31.0", 31),
        ("-2e3", -2000),
        ("M", "M"),
        ("01234", "01234"),
        ("1_000", "1_000"),
        ("True", True),
        (Decimal("1.5"), 1.5),
        (12, 12),
    ],
)
def test_features_are_numbers_where_they_can_be(cell: object, feature: object) -> None:
    assert decided(Income=cell)["features"] == {"income": feature}


@pytest.mark.parametrize("cell", ["", "NaN", "null", None, float("nan")])
def test_features_that_are_missing_are_left_out(cell: object) -> None:
    assert "features" not in decided(Income=cell)


@pytest.mark.parametrize("cell", ["NaN", "inf", "-Infinity", float("nan"), float("inf"), Decimal("NaN")])
def test_scores_that_are_not_finite_are_left_to_validation(cell: object) -> None:
    assert decided(s=cell)["score"] == msgspec.Raw(b"1e999")


@pytest.mark.parametrize("cell", ["", "null", None])
def test_a_score_may_be_missing(cell: object) -> None:
    assert "score" not in decided(s=cell)


def test_a_score_that_is_no_number_is_left_to_validation() -> None:
    assert decided(s="high")["score"] == "high"


@pytest.mark.parametrize(
    ("cell", "group"),
    [("True", True), ("FALSE", False), ("1.0", 1.0), ("1", "1"), ("007", "007"), ("F", "F")],
)
def test_groups_are_spelled_as_json_would(cell: str, group: object) -> None:
    assert decided(Sex=cell)["attributes"] == {"sex": group}


@pytest.mark.parametrize(
    ("cell", "flag"),
    [
        ("true", True),
        ("No", False),
        ("1", True),
        ("0", False),
        (1, True),
        (0.0, False),
        (True, True),
        ("soon", "soon"),
    ],
)
def test_flags(cell: object, flag: object) -> None:
    assert decided(Letter=cell)["flags"] == {"explained": flag}


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-01-01 10:30:00", "2026-01-01 10:30:00"),
        ("20260101", "20260101"),
        ("1356998400", 1356998400),
        ("1356998400.5", 1356998400.5),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (date(2026, 1, 1), "2026-01-01"),
    ],
)
def test_times(cell: object, time: object) -> None:
    assert mapping.decision(ROW | {"time": cell}, COLUMNS, "credit")["time"] == time


def test_whole_numbers_that_a_gap_made_floats_are_ids_again() -> None:
    assert mapping.decision(ROW | {"id": 7.0}, COLUMNS, "credit")["id"] == 7


def test_fields_of_nested_json_are_found_by_their_path() -> None:
    row = ROW | {"user": {"sex": "F", "home": {"area": "N1"}}, "flat.name": "plain"}
    columns = Columns(
        attributes={"sex": "user.sex", "area": "user.home.area", "flat": "flat.name", "no": "user.x.y"}
    )
    assert mapping.decision(row, columns, "m")["attributes"] == {"sex": "F", "area": "N1", "flat": "plain"}


def test_our_own_names_map_themselves() -> None:
    header = [
        "id",
        "time",
        "decision",
        "score",
        "outcome",
        "attributes.sex",
        "features.income",
        "values.csat",
        "note",
    ]
    columns = mapping.columns_of(header)
    assert columns == Columns(
        score="score",
        outcome="outcome",
        attributes={"sex": "attributes.sex"},
        features={"income": "features.income"},
        values={"csat": "values.csat"},
    )


def test_numbers_are_cut_into_bands_and_codes_shortened() -> None:
    columns = Columns(
        attributes={"age_band": "age", "area": "postcode"},
        bands={"age_band": [25, 62.5]},
        prefixes={"area": 2},
    )
    rows = [("24", "N1 9GU"), ("25", "SW1A"), ("62.5", "N"), ("", ""), ("old", "N1")]
    found = [mapping.decision({**ROW, "age": a, "postcode": p}, columns, "credit") for a, p in rows]
    assert [fields.get("attributes") for fields in found] == [
        {"age_band": "under 25", "area": "N1"},
        {"age_band": "25 to under 62.5", "area": "SW"},
        {"age_band": "62.5 and over", "area": "N"},
        None,
        {"age_band": "old", "area": "N1"},
    ]
