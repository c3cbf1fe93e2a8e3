"""Comparisons of rates between groups: intervals, references, verdicts, composites."""

from monitor.fairness import composites
from monitor.fairness.catalogue import NO_BASELINE, check, known, names, of_counts, suggestion
from monitor.fairness.questions import Place
from monitor.fairness.reading import read, read_all

__all__ = [
    "NO_BASELINE",
    "Place",
    "check",
    "composites",
    "known",
    "names",
    "of_counts",
    "read",
    "read_all",
    "suggestion",
]
