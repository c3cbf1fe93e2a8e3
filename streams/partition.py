"""One partition of the events as this worker holds it: its facts, its clocks, and what is not yet durable."""

import asyncio
import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from monitor import blocks
from monitor.codes import OTHER, OTHER_CODE, Codes, Vocabulary
from monitor.config import Config, Model
from monitor.events import Decision, Decoded, Decoder, Feedback, Invalid
from monitor.facts import Facts
from monitor.hashing import Texts, partitions
from monitor.panes import Pane
from streams.consumer import Bundle

DAY_MS = 86_400_000
WRITER = os.urandom(8).hex()  # of this process: a stale writer can add blocks, never replace one
SMALL, MANY, MERGED = (
    64_000,
    16,
    256_000,
)  # bytes of a small block, how many are merged, bytes of a merged one
IDLE_SECONDS = 3.0
SEALED = b"sealed"  # the key of the times before which facts were dropped
FIELDS = 100  # names of unknown fields that are counted by name
MOVED = 800_000  # bytes of an event that is sent on
TOO_LARGE = f"the event is for another partition, and too large to be sent on; allowed: {MOVED} bytes"
TOO_LATE = "time: the decision or the outcome is from before feedback_within; see docs/operations.md"


class Taken(Struct):
    """What a bundle leaves to be made durable before it is acknowledged."""

    blocks: dict[bytes, bytes]
    invalid: list[bytes]
    misrouted: list[tuple[bytes, bytes]]  # key, value


class Partition:
    """The state of one partition. `counts` is shared by all partitions of the worker."""

    def __init__(self, number: int, config: Config, count: int, key: bytes, counts: Counter[str]) -> None:
        self.number, self.count = number, count
        self.lock = asyncio.Lock()
        self.facts = Facts(config.models, key)
        self._key_of_hashes = key
        self.counts = counts
        self.blocks: dict[bytes, int] = {}  # sizes by key
        self.arrived = 0
        self._config = config
        self._sequence = 0
        self._decoders: dict[str, Decoder[Any]] = {
            config.broker.decisions: Decoder(Decision),
            config.broker.feedback: Decoder(Feedback),
        }
        self._fields = Vocabulary(Codes(), FIELDS)  # that no event has
        self._times: dict[str, int] = {}
        self._ended: dict[str, float] = {}  # by topic: since when at its end; now, while it is not
        self._shapes = {name: shape(model) for name, model in config.models.items()}

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Rebuilds the facts and panes from durable blocks."""
        if SEALED in items:
            self.facts.seal(msgspec.msgpack.decode(items[SEALED], type=dict[str, int]))
        for key, record in items.items():
            if key != SEALED:
                self.facts.load(record)
                self.blocks[key] = len(record)
        latest = zip(
            (self._config.broker.decisions, self._config.broker.feedback), self.facts.latest, strict=True
        )
        self._times = {topic: time for topic, time in latest if time}

    def take(self, bundle: Bundle) -> Taken:
        """Takes a bundle's events. What is returned must be durable before the bundle is done."""
        now = time.time_ns() // 1_000_000
        decoded = self._decoders[bundle.topic].decode([v or b"" for v in bundle.values], now + DAY_MS)
        for name, n in decoded.unknown.items():
            self.counts[f"unknown.{name if self._fields.code(name) != OTHER_CODE else OTHER}"] += n
        misrouted = self._route(decoded, bundle)
        self.counts[f"events.{bundle.topic}"] += len(decoded.events)
        if decoded.events:
            learn = bundle.topic == self._config.broker.feedback
            late = (self.facts.learn if learn else self.facts.observe)(decoded.events, decoded.times)
            decoded.invalid += [Invalid(decoded.records[i], "too_late", TOO_LATE) for i in late]
            latest = int(decoded.times.max())
            self._times[bundle.topic] = max(latest, self._times.get(bundle.topic, 0))
            arrived = min(record.timestamp for record in bundle.records)
            self.arrived = min(arrived, self.arrived) if self.arrived else arrived
        return Taken(self._new_blocks(), self._invalid(decoded.invalid, bundle), misrouted)

    def _route(self, decoded: Decoded[Any], bundle: Bundle) -> list[tuple[bytes, bytes]]:
        """Leaves in `decoded` what belongs here; returns what belongs to other partitions."""
        feedback = bundle.topic == self._config.broker.feedback
        ids = [str(event.decision_id if feedback else event.id) for event in decoded.events]
        there = partitions(Texts(ids), self.count).tolist()
        keep, away = [], []
        for i, event in enumerate(decoded.events):
            if there[i] != self.number:
                again = msgspec.json.encode(event)
                if len(again) > MOVED:
                    decoded.invalid.append(Invalid(decoded.records[i], "too_large", TOO_LARGE))
                else:
                    away.append((ids[i].encode(), again))
            elif not feedback and event.model not in self._config.models:
                known = ", ".join(self._config.models)
                detail = f"model: {event.model!r}; allowed: {known}"
                decoded.invalid.append(Invalid(decoded.records[i], "unknown_model", detail))
            else:
                keep.append(i)
        self.counts["misrouted"] += len(away)
        if len(keep) < len(decoded.events):
            decoded.events = [decoded.events[i] for i in keep]
            decoded.records = [decoded.records[i] for i in keep]
            decoded.times = decoded.times[keep]
        return away

    def _invalid(self, found: Iterable[Invalid], bundle: Bundle) -> list[bytes]:
        """The records for the topic of invalid events, one for each message and reason."""
        same: dict[tuple[int, str], list[Invalid]] = {}
        for invalid in found:
            same.setdefault((invalid.record, invalid.reason), []).append(invalid)
        return [self._refusal(alike[0], len(alike), bundle) for alike in same.values()]

    def _refusal(self, invalid: Invalid, count: int, bundle: Bundle) -> bytes:
        self.counts[f"invalid.{invalid.reason}"] += count
        record: dict[str, object] = {
            "topic": bundle.topic,
            "partition": bundle.partition,
            "offset": bundle.offsets[invalid.record],
            "reason": invalid.reason,
            "detail": invalid.detail,
            "count": count,
        }
        if self._config.broker.invalid_payload:
            payload = bundle.values[invalid.record] or b""
            record["payload"] = payload[:100_000].decode(errors="replace")
        return msgspec.json.encode(record)

    def _new_blocks(self) -> dict[bytes, bytes]:
        return {self._key(): record for record in self.facts.take_blocks()}

    def _key(self) -> bytes:
        self._sequence += 1
        return f"{WRITER}/{self._sequence}".encode()

    def merge(self, items: Mapping[bytes, bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Larger blocks in place of many small ones, and the keys of those that they replace."""
        small = [key for key, size in self.blocks.items() if size < SMALL]
        if len(small) < MANY:
            return {}, []
        chosen: list[bytes] = []
        for key in small:
            if sum(self.blocks[k] for k in chosen) + self.blocks[key] > MERGED:
                break
            chosen.append(key)
        return {self._key(): record for record in blocks.merge(items[key] for key in chosen)}, chosen

    def age(self, clock: int | None) -> dict[str, int]:
        """The times (ms) to be sealed by now, by model; empty when nothing is worth dropping."""
        return {} if clock is None else self.facts.ends(clock)

    def renew(self, ends: Mapping[str, int]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Drops what is from before `ends`, durably sealed: the blocks to write, and those to remove then."""
        self.facts.seal(ends)
        living, old = self.facts.living(), list(self.blocks)
        sealed, self.facts = ends, Facts(self._config.models, self._key_of_hashes)
        self.facts.seal(sealed)
        for record in living:
            self.facts.load(record)
        return {self._key(): record for record in living}, old

    def take_panes(self) -> list[Pane]:
        """The panes that changed since the last call."""
        return [
            pane
            for name, panes in self.facts.panes.items()
            for pane in panes.take(name, self.number, self._shapes[name])
        ]

    def clock(self, at_end: Mapping[str, bool], now: float) -> tuple[int | None, bool]:
        """The event time (ms) that all topics here have reached, and whether they are all idle.

        `at_end`: by topic, whether its log has been read to the end at `now` (s, any origin). A topic
        that has been at its end for some seconds does not hold back the other.
        """
        for topic, end in at_end.items():
            since = self._ended.get(topic, now)
            self._ended[topic] = since if end else now
        idle = {topic for topic in at_end if now - self._ended[topic] >= IDLE_SECONDS}
        if len(idle) == len(at_end):
            return max(self._times.values(), default=None), True
        times = [self._times.get(topic) for topic in at_end if topic not in idle]
        return (None if None in times else min(t for t in times if t is not None)), False


def shape(model: Model) -> str:
    """What of a model's configuration cuts its panes: panes of another shape do not add up with ours."""
    said = msgspec.json.encode([model.attributes, model.features, model.windows])
    return hashlib.blake2b(said, digest_size=6).hexdigest()
