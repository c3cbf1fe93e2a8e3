"""One partition of the events as this worker holds it: its facts, its clocks, and what is not yet durable."""

import asyncio
import hashlib
import os
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from math import inf
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from monitor import records
from monitor.arrays.hashing import partitions
from monitor.arrays.personal import shown
from monitor.config import Config, Model, slice_ms
from monitor.events import DAY_MS, Decision, Decoder, Feedback, Invalid
from monitor.events.batches import Batch
from monitor.events.exposed import UnknownFields
from monitor.facts import FULL, TOO_LATE, Facts, blocks, entities
from monitor.panes.packed import Pane
from monitor.trials import families
from streams import messages, refusals, topics
from streams.bundles import Bundle
from streams.clocks import Speaker
from streams.forwarding import Moved, forwarded
from streams.messages import Found
from streams.shelf import Shelf

IDLE_SECONDS = 3.0
SEALED = b"sealed"  # the key of the times before which facts were dropped
WHY = {
    TOO_LATE: "time: the decision or the outcome is from before feedback_within; see docs/operations.md",
    FULL: "broker.most_held: as many decisions or as much feedback of the model is held as may be",
}

_TIMESTAMP = attrgetter("timestamp")


class Taken(Struct):
    """What a bundle leaves to be made durable before it is acknowledged.

    Repeats go out before the blocks: a claim that is durable is not judged again.
    """

    blocks: dict[bytes, bytes]
    invalid: list[bytes] = []
    misrouted: list[Moved] = []
    found: list[tuple[str, bytes]] = []  # what should not be in events, with the model that they are of
    claims: list[tuple[int, bytes]] = []  # the partition that settles them
    repeats: list[tuple[int, bytes]] = []  # the partition that holds the decisions


class Partition:
    """The state of one partition. `counts` is shared by all partitions of the worker."""

    def __init__(self, number: int, config: Config, count: int, key: bytes, counts: Counter[str]) -> None:
        self.number, self.count = number, count
        self.lock = asyncio.Lock()
        self._tested = [name for name, model in config.models.items() if families(model)]
        self._key_of_hashes, self._config = key, config
        self.facts = self._no_facts()
        self.counts = counts
        self.shelf = Shelf()
        self.arrived = 0
        self._topics = topics.names(config.broker)
        # Of this holding, not of the process: a partition that comes back would begin anew with key 1, and
        # replace what was written before it left. A stale writer, too, can add blocks, never replace one.
        self._writer, self._sequence = os.urandom(8).hex(), 0
        self._decoders: dict[str, Decoder[Any]] = {
            config.broker.decisions: Decoder(Decision),
            config.broker.feedback: Decoder(Feedback),
        }
        self._unknown = UnknownFields()
        self._known: Counter[str] = Counter()  # what the facts found, as it is counted already
        self._times: dict[str, int] = {}  # by topic: the latest event that was read
        self._restored: dict[str, int] = {}  # the latest that was read before, while the log may hold earlier
        self._aged: dict[str, int] = {}  # which ends the facts were last looked at with
        self._ended: dict[str, float] = {}  # by topic: since when at its end
        self.speaker = Speaker()
        self._shapes = {name: shape(model) for name, model in config.models.items()}

    def _no_facts(self) -> Facts:
        config = self._config
        return Facts(config.models, self._key_of_hashes, self._tested, config.broker.most_held)

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Rebuilds the facts and panes from durable blocks."""
        if SEALED in items:
            self.facts.seal(records.decode(items[SEALED], dict[str, int], "sealed"))
        for key, record in items.items():
            if key != SEALED:
                self.facts.load(record)
                self.shelf.put(key, record)
        latest = zip(
            (self._config.broker.decisions, self._config.broker.feedback), self.facts.latest, strict=True
        )
        self._restored = {topic: min(time, _now()) for topic, time in latest if time is not None}
        self._known = self._found()

    def take(self, bundle: Bundle) -> Generator[None, None, Taken]:
        """Takes a bundle's events, in steps of some milliseconds, between which the loop may go on.

        What is returned must be durable before the bundle is done.
        """
        values = [value or b"" for value in bundle.values]
        found = yield from self._decoders[bundle.topic].batches_in_steps(values, _now() + DAY_MS)
        misrouted: list[Moved] = []
        for batch in found.batches:
            yield
            yield from self._keep(self._route(batch, found.invalid, misrouted), bundle, found.invalid)
        if found.unknown:
            self.counts.update(self._unknown.counted(found.unknown))
            self.facts.note_unknown(found.batches[:1], found.unknown)
        self._count()
        return Taken(
            self._new_blocks(),
            self._invalid(found.invalid, bundle),
            misrouted,
            found=[*self._exposures()],
            claims=[*entities.shared(self.facts.claims.take(), self.number, self.count)],
        )

    def hear(self, bundle: Bundle) -> Taken:
        """Takes what partitions tell each other: claims, which are settled here, or repeats, which are held
        here. What is returned must be durable before the bundle is done."""
        told = entities.taken(value or b"" for value in bundle.values)
        self._reach(bundle.topic, max(int(claims["time"].max()) for claims in told.values()))
        repeats: list[tuple[int, bytes]] = []
        if bundle.topic == self._topics.entities:
            repeats += entities.returned(self.facts.claims.settle(told))
        else:
            self.facts.mark(told)
        return Taken(self._new_blocks(), repeats=repeats)

    def _exposures(self) -> Iterator[tuple[str, bytes]]:
        """What was found that should not be in events, for whoever evaluates the model."""
        for name, exposed in self.facts.exposed.items():
            if news := exposed.news():
                yield name, messages.encode(Found(name, self.number, news))

    def _reach(self, topic: str, latest: int) -> None:
        """Follows the event times (ms) of a topic, up to the present: an app whose clock is wrong, or one
        invented event, would set everybody's ahead."""
        self._times[topic] = max(min(latest, _now()), self._times.get(topic, 0))

    def _count(self) -> None:
        """Adds what the facts found to the worker's counts, which never fall: not with facts that end."""
        found = self._found()
        self.counts.update(found - self._known)
        self._known = found

    def _found(self) -> Counter[str]:
        found = self.facts.counts
        capped = sum(self.facts.refused.values())
        counts = Counter(duplicates=found["duplicates"], conflicts=found["conflicts"], capped=capped)
        for name, exposed in self.facts.exposed.items():
            counts[f"undeclared.{name}"] = exposed.undeclared
            counts[f"personal.{name}"] = exposed.personal
        return counts

    def _route(self, batch: Batch[Any], invalid: list[Invalid], misrouted: list[Moved]) -> Batch[Any]:
        """What belongs here; adds to the lists what does not, and what belongs to other partitions."""
        here = partitions(batch.texts, self.count) == self.number
        if not here.all():
            away = batch.take(np.flatnonzero(~here))
            refused = len(invalid)
            misrouted += forwarded(away, self.count, invalid)
            self.counts["misrouted"] += len(away) - (len(invalid) - refused)
        ours = batch.take(np.flatnonzero(here))
        return self._of_known_models(ours, invalid) if batch.kind is Decision else ours

    def _of_known_models(self, batch: Batch[Any], invalid: list[Invalid]) -> Batch[Any]:
        names, which = batch.models
        if self._config.models.keys() >= set(names):
            return batch
        known = np.array([name in self._config.models for name in names])[which]
        for i in np.flatnonzero(~known).tolist():
            detail = f"model: {shown(names[which[i]])}; allowed: {', '.join(self._config.models)}"
            invalid.append(Invalid(int(batch.records[i]), "unknown_model", detail))
        return batch.take(np.flatnonzero(known))

    def _keep(self, batch: Batch[Any], bundle: Bundle, invalid: list[Invalid]) -> Iterator[None]:
        """Makes facts of a batch, and follows its times."""
        self.counts[f"events.{bundle.topic}"] += len(batch)
        if not len(batch):
            return
        learn = bundle.topic == self._config.broker.feedback
        for refused in [self.facts.take_feedback(batch)] if learn else self.facts.decisions_in_steps(batch):
            invalid += [Invalid(int(batch.records[i]), why, WHY[why]) for i, why in refused.items()]
            yield
        self._reach(bundle.topic, int(batch.times.max()))
        arrived = min(map(_TIMESTAMP, bundle.records))
        self.arrived = min(arrived, self.arrived) if self.arrived else arrived

    def _invalid(self, found: Sequence[Invalid], bundle: Bundle) -> list[bytes]:
        """The records for the topic of invalid events."""
        for invalid in found:
            self.counts[f"invalid.{invalid.reason}"] += invalid.count
        return refusals.reports(found, bundle, payload=self._config.broker.invalid_payload)

    def _new_blocks(self) -> dict[bytes, bytes]:
        return {self._key(): record for record in self.facts.take_blocks()}

    def _key(self) -> bytes:
        self._sequence += 1
        return f"{self._writer}/{self._sequence}".encode()

    def merge(self, items: Mapping[bytes, bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Larger blocks in place of many small ones, and the keys of those that they replace."""
        due = self.shelf.due()
        there = (items[key] for key in due if key in items)  # what is not, another holding has removed
        return {self._key(): record for record in blocks.merge(there)}, due

    def age(self, clock: int | None) -> dict[str, int]:
        """The times (ms) to be sealed by now, by model; empty when nothing is worth dropping.

        Looks at all facts only when time has come to another slice.
        """
        ends = {} if clock is None else self.facts.ends(clock)
        if ends == self._aged:
            return {}
        self._aged = ends
        return ends if self.facts.is_mostly_dead(ends) else {}

    def renew(self, ends: Mapping[str, int]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Drops what is from before `ends`, durably sealed: the blocks to write, and those to remove then."""
        self.facts.seal(ends)
        living, old = self.facts.living(), self.shelf.keys()
        sealed, self.facts = ends, self._no_facts()
        self.facts.seal(sealed)
        for record in living:
            self.facts.load(record)
        self._known = self._found()
        return {self._key(): record for record in living}, old

    def take_panes(self) -> list[Pane]:
        """The panes that changed since the last call."""
        return [
            pane
            for name, panes in self.facts.panes.items()
            for pane in panes.take(name, self.number, self._shapes[name])
        ]

    def clock(self, ends: Mapping[str, float | None]) -> tuple[int | None, bool, float]:
        """The event time (ms) that all topics here have reached, whether all are idle, and as of when.

        `ends`: by topic, as of when (s, any origin) its log is known to be read to the end; None while it is
        not. A topic that has been at its end for some seconds is idle, and does not hold back the others.
        Facts that were restored tell no time before that: of what was in hand when a worker died, a part
        may be durable.
        """
        self._ended = {t: self._ended.get(t, end) for t, end in ends.items() if end is not None}
        idle = {t: end for t, end in ends.items() if end is not None and end - self._ended[t] >= IDLE_SECONDS}
        as_of = min(idle.values(), default=inf)
        if len(idle) == len(ends):
            return max([*self._times.values(), *self._restored.values()], default=None), True, as_of
        times = [self._times.get(topic) for topic in ends if topic not in idle]
        return (None if None in times else min(t for t in times if t is not None)), False, as_of


def _now() -> int:
    """The time on the wall, in ms."""
    return time.time_ns() // 1_000_000


def shape(model: Model) -> str:
    """What of a model's configuration cuts its panes: panes of another shape do not add up with ours."""
    said = msgspec.json.encode([model.attributes, model.slices, model.features, slice_ms(model)])
    return hashlib.blake2b(said, digest_size=6).hexdigest()
