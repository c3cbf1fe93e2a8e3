"""Verdicts with a stated error rate that stays true however often and however long one looks."""
