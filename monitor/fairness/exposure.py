"""What a recommender shows each group: how varied, and how much of the commonest.

From the atoms `decision.<class>`: how many decisions were for each class.
"""

from collections.abc import Callable

import numpy as np

from monitor.fairness.intervals import Estimates, Z, shares
from monitor.panes.table import Floats, Table

CLASS = "decision."


def entropy(table: Table) -> Estimates:
    """Shannon's entropy of the classes shown, in bits, from 0 (always the same) to log2 of their number.

    Plain shares, so that small groups look a little less varied than they are; the interval is
    normal, with variance (Σ p log²p − H²) / n (Basharin 1959).
    """
    counts = _classes(table)
    n = counts.sum(axis=0)
    p = counts / np.where(n > 0, n, np.nan)
    surprise = -np.log2(np.where(p > 0, p, 1))
    value = np.where(n > 0, (p * surprise).sum(axis=0), np.nan)
    half = Z * np.sqrt(np.maximum((p * surprise**2).sum(axis=0) - value**2, 0) / np.where(n > 0, n, np.nan))
    return Estimates(value, np.maximum(value - half, 0), value + half, n.astype(np.int64))


def top_share(table: Table) -> Estimates:
    """The share of the class shown most, which may differ from group to group; Wilson's interval."""
    counts = _classes(table)
    return shares(counts.max(axis=0, initial=0), counts.sum(axis=0))


METRICS: dict[str, Callable[[Table], Estimates]] = {
    "exposure_entropy": entropy,
    "exposure_top_share": top_share,
}


def _classes(table: Table) -> Floats:
    """Shape (classes, groups)."""
    rows = [counts for atom, counts in sorted(table.counts.items()) if atom.startswith(CLASS)]
    return np.array(rows, float).reshape(len(rows), len(table.groups))
