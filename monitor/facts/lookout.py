"""What is noted of one model's events besides the facts: undeclared fields, and values that look personal.

Strings are looked at when their vocabulary meets them first (monitor/arrays/codes.py), names of fields once a
batch. Of what is different in each event, such as its id, a few of each batch are looked at.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.arrays.personal import CARD, looks
from monitor.config import Model
from monitor.events import Decision
from monitor.events.batches import Batch
from monitor.events.exposed import UNDECLARED, Exposed, declared, is_unchecked
from monitor.facts.blocks import stem

SAMPLE = 16  # ids that are looked at in a batch
SAMPLED = ("id", "entity", "version", "stage")  # fields of which a few are looked at
NAMED = ("attributes", "slices", "features")  # maps whose keys are declared
_FIELDS = {
    "categories": "features",
    "reason": "reasons",
}  # what a column is in an event, where it has another name

Looks = Mapping[str, Counter[str]]  # how many values look personal: by field, by what they look like


class Lookout:
    """Looks at one model's events; keeps what it finds in `exposed`."""

    def __init__(self, model: Model) -> None:
        self.exposed = Exposed()
        self._model, self._declared = model, declared(model)

    def checks(self, column: str) -> bool:
        """Whether the texts of a column may be personal: those made of other columns' texts are not."""
        return stem(column) in CHECKED and not is_unchecked(self._model, field(column))

    def decisions(self, batch: Batch[Decision], found: Looks, now: int) -> None:
        """Notes what a batch of decisions holds; `found` in the texts of its columns."""
        self.personal("decision", found, now)
        self._undeclared("decision", batch, NAMED, now)
        self._sample(batch, now)

    def feedback(self, batch: Batch[Any], now: int) -> None:
        """Notes which attributes feedback holds that nobody declared."""
        self._undeclared("feedback", batch, ("attributes",), now)

    def unknown(self, event: str, names: Iterable[str], now: int) -> None:
        """Notes fields that no event has."""
        self._note(event, UNDECLARED, dict.fromkeys(names, 1), now)

    def personal(self, event: str, found: Looks, now: int) -> None:
        """Notes values that look personal."""
        for column, counts in found.items():
            for kind, times in counts.items():
                self._note(event, kind, {field(column): times}, now)

    def _undeclared(self, event: str, batch: Batch[Any], maps: Sequence[str], now: int) -> None:
        held = (item for name in maps for item in batch.held(name).items())
        self._note(event, UNDECLARED, {name: n for name, n in held if name not in self._declared}, now)

    def _sample(self, batch: Batch[Decision], now: int) -> None:
        """Looks at what no vocabulary meets: it is hashed or left out, but the topic holds it."""
        step = max(1, len(batch) // SAMPLE)
        for name in SAMPLED:
            if name in self._model.slices or not batch.holds(name):
                continue
            texts = [value for value in batch.column(name)[::step] if isinstance(value, str)]
            kinds = Counter(kind for kind in map(looks, texts) if kind not in (None, CARD))
            for kind, times in kinds.items():  # one number in ten passes for a card's
                self._note("decision", kind or "", {name: times}, now)

    def _note(self, event: str, kind: str, fields: Mapping[str, int], now: int) -> None:
        checked = {name: times for name, times in fields.items() if not is_unchecked(self._model, name)}
        self.exposed.note(event, kind, checked, now)


CHECKED = frozenset(
    {"decision", "outcome", "attributes", "slices", "categories", "flags", "values", "reason"}
)


def field(column: str) -> str:
    """The field of an event whose texts a column holds.

    >>> field("categories.job"), field("attributes.sex")
    ('features.job', 'attributes.sex')
    """
    first, dot, rest = column.partition(".")
    return f"{_FIELDS.get(first, first)}{dot}{rest}"
