"""Comparisons within strata: like with like, over regions, products, departments.

A stratum is the table of one value of a slice. What differs between groups in total may vanish within
strata, or turn around (Simpson's paradox; Berkeley's admissions of 1973 are the classic).
"""

from collections.abc import Sequence

import numpy as np

from monitor.fairness import comparisons
from monitor.fairness.estimates import estimate
from monitor.fairness.intervals import Estimates
from monitor.fairness.reference import Pair
from monitor.panes.histogram import Histogram
from monitor.panes.table import Table

DECIDED = (("tp", "fp", "up"), ("fn", "tn", "un"))
LABELLED = (("tp", "fn"), ("fp", "tn"))


def demographic_disparity(
    groups: Sequence[str], strata: Sequence[Table], parts: tuple[tuple[str, ...], tuple[str, ...]] = DECIDED
) -> Estimates:
    """Each group's part of the rejected minus its part of the accepted, averaged over strata by their size.

    Conditional demographic disparity (Wachter et al. 2021; Clarify's CDDPL, with LABELLED its CDDL). Strata
    in which nobody was accepted, or nobody rejected, are left out: there is no part of nothing. With one
    stratum it is the plain demographic disparity. It has no interval.
    """
    gaps, sizes, n = np.zeros(len(groups)), 0, np.zeros(len(groups), np.int64)
    for table in strata:
        accepted, rejected = (table.sum(atoms).sum() for atoms in parts)
        if accepted and rejected:
            yes, no = (aligned(groups, table).sum(atoms) for atoms in parts)
            size = int(accepted + rejected)
            gaps, sizes, n = gaps + size * (no / rejected - yes / accepted), sizes + size, n + yes + no
    nothing = np.full(len(groups), np.nan)
    return Estimates(gaps / sizes if sizes else nothing, nothing, nothing, n)


def conditional_difference(
    metric: str, groups: Sequence[str], strata: Sequence[Table], pair: Pair
) -> Estimates:
    """The gap of a metric between two groups within strata, averaged with Cochran's weights; shape ().

    A stratum weighs n_a n_b / (n_a + n_b), as in Mantel and Haenszel's risk difference; strata that lack
    one of the two say nothing and are left out. Limits combine those of the strata (MOVER).
    """
    found = [estimate([metric], aligned(groups, table)).groups[0] for table in strata]
    sizes = np.array([one.n[list(pair)] for one in found], float).reshape(-1, 2)
    used = np.all(sizes > 0, axis=1)
    gaps = [comparisons.between("difference", found[row], [pair]) for row in np.flatnonzero(used)]
    value, low, high = np.array([(gap.value[0], gap.low[0], gap.high[0]) for gap in gaps]).reshape(-1, 3).T
    weight = sizes[used].prod(axis=1) / sizes[used].sum(axis=1)
    weight = weight / (weight.sum() or np.nan)
    mean = weight @ value if used.any() else np.nan
    below, above = (np.linalg.norm(weight * side) for side in (value - low, high - value))
    n = int(sizes[used].min(axis=1).sum())
    return Estimates(np.asarray(mean), np.asarray(mean - below), np.asarray(mean + above), np.asarray(n))


def aligned(groups: Sequence[str], table: Table) -> Table:
    """The table with exactly these groups in this order; those that it lacks are empty."""
    place = {group: index for index, group in enumerate(table.groups)}
    rows = [place.get(group, len(place)) for group in groups]
    counts = {atom: np.append(counts, counts.dtype.type(0))[rows] for atom, counts in table.counts.items()}
    spread = {name: [*found, Histogram()] for name, found in table.histograms.items()}
    return Table(groups, counts, {name: [found[row] for row in rows] for name, found in spread.items()})
