"""Sequential tests in the line: which hypotheses a configuration asks about, what feeds them, what they say.

:class:`Trials` holds one model's tests; :func:`levels` divides the budget of the deployment; what the tests
say of a reading's comparisons is in :mod:`~monitor.trials.judged`.
"""

from monitor.trials.asked import Family, check, families, test_of
from monitor.trials.judged import Judge
from monitor.trials.levels import Levels, alone, levels
from monitor.trials.told import told
from monitor.trials.trials import Trials

__all__ = ["Family", "Judge", "Levels", "Trials", "alone", "check", "families", "levels", "test_of", "told"]
