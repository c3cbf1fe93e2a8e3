"""The two grow-only sets of a partition, their join, and the blocks that keep them."""

from monitor.facts.facts import Facts

__all__ = ["Facts"]
