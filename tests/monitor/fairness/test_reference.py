import numpy as np
import pytest

from monitor.config import Model, Rule
from monitor.fairness import intervals, reference

GROUPS = ["a", "b", "c", "unknown"]
EVERYONE, KNOWN = range(4), [0, 1, 2]


def estimates(*shares: tuple[int, int]):
    k, n = np.array(shares).T
    return intervals.shares(k, n)


@pytest.mark.parametrize(
    ("configured", "attribute", "rule", "word"),
    [
        ("highest", "sex", None, "highest"),
        ({"sex": "male"}, "sex", None, "male"),
        ({"sex": "male"}, "race", None, "largest"),
        ({"sex": "male"}, "sex", Rule(metric="tpr", reference="pairs"), "pairs"),
        ({"sex": "male"}, "sex", Rule(metric="tpr"), "male"),
    ],
)
def test_the_rules_word_wins(configured, attribute, rule, word):
    assert reference.word(Model(positive=[True], reference=configured), attribute, rule) == word


def test_largest_is_never_unknown():
    assert reference.name("largest", GROUPS, np.array([5, 9, 7, 100])) == "b"
    assert reference.name("largest", ["unknown"], np.array([100])) is None


def test_a_configured_group_is_kept_before_it_comes():
    assert reference.name("male", GROUPS, np.zeros(4, int)) == "male"


def test_a_group_may_be_called_like_a_word():
    assert reference.name("highest", ["highest", "lowest"], np.array([1, 2])) == "highest"


def test_highest_has_an_interval_if_any_group_has():
    found = estimates((3, 3), (20, 40), (10, 40), (40, 40))
    assert reference.pairs("highest", found, KNOWN, "ratio") == [(0, 1), (2, 1), (3, 1)]
    few = estimates((3, 3), (2, 4), (1, 4), (4, 4))
    assert reference.pairs("highest", few, KNOWN, "ratio") == [(1, 0), (2, 0), (3, 0)]


def test_extremes_are_in_the_order_of_the_comparison():
    found = estimates((10, 40), (20, 40), (30, 40), (40, 40))
    assert reference.pairs("extremes", found, KNOWN, "difference") == [(2, 0)]
    assert reference.pairs("extremes", found, KNOWN, "ratio") == [(0, 2)]


def test_nothing_defined_still_compares_so_that_the_verdict_can_say_so():
    found = estimates((0, 0), (0, 0), (0, 0), (3, 4))
    assert len(reference.pairs("highest", found, KNOWN, "ratio")) == 3
    assert len(reference.pairs("extremes", found, KNOWN, "ratio")) == 1


def test_pairs_are_ordered():
    found = estimates((1, 2), (1, 2), (1, 2))
    pairs = reference.pairs("pairs", found, [0, 1, 2], "difference")
    assert pairs == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
