"""Evidently's CPU time for the rates of each group, in ms: `PYTHON evidently_peer.py ROWS GROUPS…`.

Run by an interpreter that has Evidently (0.7), which needs other versions than ours. It knows no groups:
each group of each attribute is a report of its own. GROUPS are how many groups each attribute has.
"""

import sys
import warnings
from time import process_time

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from evidently import BinaryClassification, DataDefinition, Dataset, Report  # noqa: E402
from evidently.metrics import FNR, FPR, TNR, TPR, Accuracy, RowCount  # noqa: E402

CLASSES = BinaryClassification(target="outcome", prediction_labels="decision", pos_label=1)
DEFINITION = DataDefinition(classification=[CLASSES], categorical_columns=["outcome", "decision"])


def main(rows: int, groups: list[int]) -> None:
    """Prints the time."""
    rng = np.random.default_rng(1)
    cases = pd.DataFrame({"outcome": rng.integers(0, 2, rows), "decision": rng.integers(0, 2, rows)})
    attributes = [rng.integers(0, count, rows) for count in groups]
    report(cases.iloc[:100])  # all code is loaded
    start = process_time()
    for count, members in zip(groups, attributes, strict=True):
        for group in range(count):
            report(cases[members == group])
    print((process_time() - start) * 1e3)


def report(cases: pd.DataFrame) -> None:
    """Five rates and the number of rows."""
    data = Dataset.from_pandas(cases, data_definition=DEFINITION)
    Report([Accuracy(), TPR(), FPR(), TNR(), FNR(), RowCount()]).run(data)


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(count) for count in sys.argv[2:]])
