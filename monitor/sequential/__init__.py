"""Verdicts with a stated error rate that stays true however often and however long one looks.

- Unfair since the start? :class:`~monitor.sequential.eprocess.Cells` for rates,
  :class:`~monitor.sequential.bounded.Means` for bounded numbers: ``peak`` >= 1/alpha proves it.
- Became unfair? :class:`~monitor.sequential.changes.Changes` for rates,
  :class:`~monitor.sequential.shifts.Shifts` for bounded numbers: they alarm with the onset.
- How large is the gap? ``interval(alpha)`` of Cells and Means; ``within(alpha)`` proves a limit kept.
- Few decisions a month? :func:`~monitor.sequential.calendar.p_value`, an exact test per period.
- Many hypotheses? :func:`~monitor.sequential.control.e_bh` for the list of now, and
  :class:`~monitor.sequential.control.Budget` for the level and threshold of each permanent verdict.
- How long will it take? :mod:`monitor.sequential.plan`.

All are pure functions of counts, slice by slice, for all cells (hypotheses with the same limit) at once.
The guarantee rests on what feeds them: each finished slice once, in order; an entity once; outcomes
when they are final; slices so short that base rates cannot move within one, or at most 250 events a cell.
"""
