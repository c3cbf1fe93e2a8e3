"""What a group is held against: the words of `reference` in the configuration.

| word | the reference |
|---|---|
| a group's name | that group, also while it is empty |
| `largest` | the group with the most decisions |
| `highest` | the group with the highest value of the metric, as the four-fifths rule asks |
| `pairs` | every other group: all ordered pairs |
| `extremes` | the two groups furthest apart: highest minus lowest, lowest over highest |
| `overall` | everybody, the group itself included |
| `population` | the group's part of the configured population; for shares of decisions and positives |
| `baseline` | the group itself in the baseline period (*fairness drift*); for metrics made of counts |

The group `unknown` is compared but never chosen, unless it is configured by name. `highest` and `extremes`
choose among groups that have an interval (10 observations or more), as long as there are any: otherwise
three lucky people would be everyone's reference. Groups chosen by their values look further apart than they
are, and the intervals do not correct for the choice.
"""

from collections.abc import Sequence

import numpy as np

from monitor.config import Model, Rule
from monitor.fairness.intervals import FEWEST, Estimates
from monitor.panes.table import UNKNOWN, Ints

OVERALL = "overall"
BASELINE = "baseline"
POPULATION = "population"
BY_METRIC = ("highest", "pairs", "extremes", OVERALL, BASELINE, POPULATION)
WORDS = ("largest", *BY_METRIC)

Pair = tuple[int, int]


def word(model: Model, attribute: str, rule: Rule | None = None) -> str:
    """The configured reference of an attribute: a group or one of WORDS; the rule's wins.

    >>> word(Model(positive=[True], reference={"sex": "male"}), "race")
    'largest'
    """
    if rule is not None and rule.reference is not None:
        return rule.reference
    return model.reference if isinstance(model.reference, str) else model.reference.get(attribute, "largest")


def name(chosen: str, groups: Sequence[str], decisions: Ints) -> str | None:
    """The reference group that is the same for every metric; None where each metric has its own."""
    if chosen in groups or chosen not in WORDS:
        return chosen
    if chosen in BY_METRIC:
        return None
    known = [index for index, group in enumerate(groups) if group != UNKNOWN]
    return groups[known[int(np.argmax(decisions[known]))]] if known else None


def pairs(chosen: str, estimates: Estimates, known: Sequence[int], compare: str) -> list[Pair]:
    """The (group, reference) indices to compare, where each metric has its own reference.

    `estimates` have shape (groups,); `known` are the groups that may be chosen.
    """
    everyone = range(len(estimates.value))
    if chosen == "pairs":
        return [(a, b) for a in everyone for b in everyone if a != b]
    if chosen == "highest" and known:
        highest = _ranked(estimates, known, 1)[-1]
        return [(group, highest) for group in everyone if group != highest]
    if chosen == "extremes" and len(known) > 1:
        lowest, *_, highest = _ranked(estimates, known, 2)
        return [(lowest, highest)] if compare == "ratio" else [(highest, lowest)]
    return []


def _ranked(estimates: Estimates, known: Sequence[int], fewest: int) -> list[int]:
    """Groups by rising value; where too few have one, in any order, which leaves the comparison undefined."""
    defined = [group for group in known if not np.isnan(estimates.value[group])]
    solid = [group for group in defined if estimates.n[group] >= FEWEST]
    if len(defined) < fewest:
        return list(known)
    return sorted(solid if len(solid) >= fewest else defined, key=lambda group: float(estimates.value[group]))
