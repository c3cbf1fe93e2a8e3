"""Comparisons of rates between groups: intervals, references, verdicts, composites."""

from monitor.fairness import composites
from monitor.fairness.catalogue import check, known, names, suggestion
from monitor.fairness.reading import read

__all__ = ["check", "composites", "known", "names", "read", "suggestion"]
