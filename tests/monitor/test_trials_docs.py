"""docs/statistics-for-statisticians.md replicates what we compute."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.monitor.trials_streams import MODEL, advanced, decisions, learnt

DOCS = (Path(__file__).parents[2] / "docs" / "statistics-for-statisticians.md").read_text()


@pytest.mark.parametrize(("each", "gap"), [(30, 0.2), (70, 0.06), ({"F": 9, "M": 160}, 0.1)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_verdict_is_replicated_from_the_ledger_without_our_code(
    each: int | dict[str, int], gap: float
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    theirs: dict[str, object] = {}
    exec(code, theirs)
    facts = learnt(MODEL, decisions(range(40), {"F": 0.5 - gap, "M": 0.5}, each=each))
    trials = advanced(MODEL, facts.panes["m"], 40)
    books = [msgspec.msgpack.decode(v) for k, v in trials.unsaved().items() if k.startswith(b"ledger/")]
    pages = [page for book in books for page in book if page[0] == "decisions"]
    path = theirs["log_e"](pages, "sex", "selection_rate", "F", "M", 0.05)
    (running,) = trials.running["gap", "sex"]
    assert path[-1] == pytest.approx(float(np.log(running.found.e[0])), abs=1e-6)
    assert max(0, *path) == pytest.approx(float(running.cells.state["log_peak"][0]), abs=1e-6)
