"""The two grow-only sets of a partition, their join, and the blocks that keep them."""

from monitor.facts.facts import FULL, TOO_LATE, Facts

__all__ = ["FULL", "TOO_LATE", "Facts"]
