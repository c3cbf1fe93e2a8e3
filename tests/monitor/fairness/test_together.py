"""Places read at once give what each gives alone: numbers to rounding, all else to the letter."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Model, Rule
from monitor.fairness import Place, composites, read, read_all
from monitor.panes import histogram
from monitor.panes.table import Table, stacked

WORDS = ["largest", "highest", "pairs", "extremes", "overall", "baseline", "a", "nobody"]
METRICS = [
    "selection_rate",
    "f1",
    "group_share",
    "auc",
    "brier_score",
    "score.mean",
    "score.p50",
    "exposure_entropy",
    "treatment_equality",
    "equalized_odds",
    "average_odds",
    "label_js",
    "score.smd",
    "score.ks",
    "score.qdd",
    "generalized_entropy",
    "group_min.accuracy",
]
SCORES = st.lists(st.sampled_from([0.0, 0.11, 0.5, 0.73, 1.0]), max_size=12)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """The groups and atoms of each window are its own; of some only counts are kept."""
    groups = draw(st.lists(st.sampled_from(["a", "b", "c", "unknown"]), unique=True))
    atoms = draw(st.lists(st.sampled_from(["tp", "fp", "fn", "tn", "up", "un", "decision.x"]), unique=True))
    counts = {atom: np.array([draw(st.integers(0, 60)) for _ in groups], np.int64) for atom in atoms}
    if draw(st.booleans()):
        return Table(groups, counts)
    scores = {name: [histogram.numeric(draw(SCORES)) for _ in groups] for name in ("score.neg", "score.pos")}
    return Table(groups, counts, scores)


def model(word: str, windows: Mapping[str, Table]) -> Model:
    rules = [Rule(metric=metric, reference=word, min=-0.2, max=0.2) for metric in METRICS]
    return Model(positive=["yes"], windows=list(windows), reference=word, rules=rules)


@settings(max_examples=60)
@given(found=st.lists(tables(), min_size=2, max_size=5), before=tables(), word=st.sampled_from(WORDS))
def test_places_do_not_touch_each_other(found: list[Table], before: Table, word: str) -> None:
    windows = {f"{days}d": table for days, table in enumerate(found, start=1)}
    asked = model(word, windows)
    fewer = {"y": asked.rules[::2]}
    then = {"x": before}
    places = {Place("yx"[n % 2], window): table for n, (window, table) in enumerate(windows.items())}
    together = read_all(places, model=asked, rules=fewer, before=then)
    slices: dict[Place, dict[str, list[Table]]] = {place: {} for place in places}
    composed = composites.read_all(places, model=asked, rules=fewer, slices=slices, before=then)
    for place, table in places.items():
        name, window = place
        own: dict[str, Any] = {"model": asked, "attribute": name, "window": window}
        own |= {"rules": fewer["y"]} if name == "y" else {"before": before}
        same(together[place], read(table, **own))
        same(composed[place], composites.read(table, **own))


def same(found: Any, expected: Any) -> None:
    """Equal, floats up to the order of additions."""
    _alike(msgspec.to_builtins(found), msgspec.to_builtins(expected))


def _alike(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert list(found) == list(expected)
        _alike(list(found.values()), list(expected.values()))
    elif isinstance(found, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _alike(one, other)
    else:
        assert math.isclose(found, expected, abs_tol=1e-9) if isinstance(found, float) else found == expected


@given(found=st.lists(tables(), min_size=1, max_size=3))
def test_a_stack_holds_what_its_tables_hold(found: list[Table]) -> None:
    whole = stacked(found)
    assert list(whole.groups) == [group for table in found for group in table.groups]
    for atom in ("tp", "decision.x"):
        assert whole.get(atom).tolist() == [n for table in found for n in table.get(atom).tolist()]
    for name in whole.histograms:
        assert list(whole.histogram(name)) == [one for table in found for one in table.histogram(name)]


def test_without_windows_there_is_nothing_to_read() -> None:
    asked = model("largest", {"1d": Table([], {})})
    assert (read_all({}, model=asked), composites.read_all({}, model=asked, slices={})) == ({}, {})
