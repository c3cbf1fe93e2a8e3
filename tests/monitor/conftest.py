"""What all tests of `monitor` share."""

from collections.abc import Iterator

import pytest

from monitor.events import clean


@pytest.fixture(autouse=True, scope="module")
def any_batch_is_worth_its_columns() -> Iterator[None]:
    """Tests have small batches: by rows, as so little is read, only half of the code would run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clean, "LEAST", 0)
        yield
