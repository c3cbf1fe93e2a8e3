"""Groups given as probabilities (`{"black": 0.7, "white": 0.3}`, from BISG and its like), in fixed point.

A person counts in each group with a weight in whole millionths, and with a million in all: adding weights is
exact, whatever the order. They are counted apart from people whose group is known, as the attribute
"race (proxy)", and only in rates of decisions, outcomes, flags and reasons.

The rate of such a group is the mean over everybody, weighted with the chance to belong to it. It is what it
says, but not quite the group's own: where the decision depends on the group beyond what the probabilities
know, gaps come out too small or too large (Chen et al. 2019, Fairness under Unawareness). Its interval takes
the sum of weights for the number of people, which is rather too wide than too narrow (the weights are at most
1, so Kish's effective size is at least their sum); that the probabilities may be wrong is not in it. No
sequential test is fed with it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import floor

import numpy as np
import numpy.typing as npt

from monitor.panes.panes import UNIT, UNKNOWN

WHOLE = 1_000_000  # the weight of one person
MARK = " (proxy)"
_COLUMN = "proxies."


def weights(chances: Mapping[str, float]) -> dict[str, int]:
    """Weights that sum to a million: rounded so that none is off by as much as 1.

    Chances that sum to less than 1 leave the rest to `unknown`; if they sum to more they are scaled down.

    >>> weights({"black": 2 / 3, "white": 1 / 3}), weights({"black": 0.7})
    ({'black': 666667, 'white': 333333}, {'black': 700000, 'unknown': 300000})
    """
    total = sum(chances.values())
    exact = {name: WHOLE * chance / max(total, 1) for name, chance in chances.items()}
    if total < 1:
        exact[UNKNOWN] = exact.get(UNKNOWN, 0.0) + WHOLE * (1 - total)
    found = {name: floor(weight) for name, weight in exact.items()}
    largest_rest = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in largest_rest[: WHOLE - sum(found.values())]:
        found[name] += 1
    return {name: weight for name, weight in found.items() if weight}


def columns(
    attribute: str, values: Sequence[object], named: Callable[[str], str]
) -> dict[str, npt.NDArray[np.uint32]]:
    """The columns of an attribute's weights, one for each group; none where no value is a map.

    `named` gives the name under which a group counts, as there may be too many.
    """
    found: dict[str, npt.NDArray[np.uint32]] = {}
    given = [(place, value) for place, value in enumerate(values) if isinstance(value, dict)]
    for place, chances in given:
        for group, weight in weights(chances).items():
            column = f"{_COLUMN}{attribute}{UNIT}{named(group)}"
            found.setdefault(column, np.zeros(len(values), np.uint32))[place] += weight
    return found


def group(column: str) -> tuple[str, str] | None:
    """The attribute and group that a column of weights is of, as panes call them; None for other columns.

    >>> group("proxies.race" + UNIT + "black"), group("attributes.race")
    (('race (proxy)', 'black'), None)
    """
    attribute, _, name = column.removeprefix(_COLUMN).partition(UNIT)
    return (attribute + MARK, name) if column.startswith(_COLUMN) else None


def known(attributes: Iterable[str]) -> list[str]:
    """Which attributes are of probabilities, each once, in order.

    >>> known(["sex", "race (proxy)", "race (proxy)"])
    ['race (proxy)']
    """
    return sorted({attribute for attribute in attributes if attribute.endswith(MARK)})
