"""The client's face: `decision` and `feedback` take an event and return at once."""

from __future__ import annotations

import functools
import inspect
import os
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar, cast

from fairlead_client.batch import MAX_EVENTS
from fairlead_client.buffer import Buffer
from fairlead_client.complaints import Complaints, place
from fairlead_client.events import (
    Feature,
    Group,
    Id,
    InvalidEventError,
    Label,
    Row,
    Time,
    decision_row,
    feedback_row,
    model_name,
)
from fairlead_client.hashing import Pseudonyms
from fairlead_client.sender import Sender
from fairlead_client.spill import Spill
from fairlead_client.transport import KafkaTransport, Transport, check_options

Policy = Literal["drop", "block", "spill"]
Function = TypeVar("Function", bound=Callable[..., Any])

POLICIES = ("drop", "block", "spill")
REFUSALS = ("invalid", "full", "closed", "error")
TROUBLES = ("refused", "lost", "unreadable", "kafka", "spill", "unexpected")


class DroppedEventError(RuntimeError):
    """An event was not taken: the queue is full or the emitter is closed. Raised in strict mode only."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Emitter:
    """Sends decisions and feedback to Fairlead's topics from a background thread.

    Thread-safe, fork-safe, usable from coroutines. Never raises into the app unless `strict`: what goes
    wrong is counted in `stats` and logged once per kind by the logger `fairlead_client`.

    >>> from fairlead_client.testing import Recorder
    >>> recorder = Recorder()
    >>> with Emitter(model="credit", connect=recorder.connect) as emitter:
    ...     emitter.decision(id="loan-17", decision="approved", time=0, attributes={"sex": "F"})
    ...     emitter.feedback(decision_id="loan-17", outcome="repaid", time=1)
    True
    True
    >>> recorder.events("decisions")
    [{'model': 'credit', 'id': 'loan-17', 'time': 0.0, 'decision': 'approved', 'attributes': {'sex': 'F'}}]
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str] = "localhost:9092",
        *,
        model: str | None = None,
        decisions_topic: str = "decisions",
        feedback_topic: str = "feedback",
        key: bytes | str | None = None,
        policy: Policy = "drop",
        spill_dir: str | os.PathLike[str] | None = None,
        spill_bytes: int = 2**30,
        max_events: int = 50_000,
        linger: float = 0.1,
        exit_timeout: float = 5.0,
        strict: bool = False,
        connect: Callable[[], Transport] | None = None,
        **kafka: Any,
    ) -> None:
        """Connects to nothing yet: Kafka may be down.

        `model`: the model of decisions that name none.
        `key`: a secret of at least 16 bytes; ids and entities are replaced by keyed hashes before they
        are queued. All producers of one model need the same key.
        `policy`: what happens while Kafka is down. "drop" refuses and counts events once `max_events` are
        queued for a topic; "block" lets callers wait for room; "spill" writes to `spill_dir`, up to
        `spill_bytes`, and replays from there, also in the next process.
        `linger`: seconds that an event waits for others to share its message.
        `exit_timeout`: seconds that the end of the process waits for the last events.
        `connect`: makes the transport, such as a test's.
        `kafka`: options of kafka-python's KafkaProducer, such as security_protocol and sasl_mechanism.
        Raises ValueError for arguments that cannot work, OSError when `spill_dir` cannot be made.
        """
        _check(policy, spill_dir, max_events)
        check_options(kafka)
        self._model = model
        self._decisions_topic = decisions_topic
        self._feedback_topic = feedback_topic
        self._pseudonyms = None if key is None else Pseudonyms(key)
        self._block = policy == "block"
        self._max_events = max_events
        self._linger = linger
        self._exit_timeout = exit_timeout
        self._strict = strict
        self._connect = connect or functools.partial(KafkaTransport, bootstrap_servers, kafka)
        self._spill = None if spill_dir is None else Spill(spill_dir, spill_bytes)
        self._sender = self._new_sender()
        self._abandoned: list[Sender] = []
        _emitters.add(self)
        if self._spill is not None:
            # The last process may have left events.
            self._sender.start()

    def _new_sender(self) -> Sender:
        return Sender(
            self._connect,
            buffer=Buffer(self._max_events, MAX_EVENTS),
            complaints=Complaints(),
            spill=self._spill,
            linger=self._linger,
            exit_timeout=self._exit_timeout,
        )

    def _after_fork(self) -> None:
        """In the child: an empty queue, no thread, no connection. What was queued is the parent's to send."""
        parent, self._sender = self._sender, self._new_sender()
        parent.abandon()
        # Kept, because ending kafka-python's objects here could disturb the parent's connections.
        self._abandoned.append(parent)
        if parent.closed.is_set():
            self._sender.close(0)

    def decision(
        self,
        *,
        id: Id,
        decision: Label,
        model: str | None = None,
        time: Time | None = None,
        score: float | None = None,
        value: float | None = None,
        attributes: Mapping[str, Group | None] | None = None,
        slices: Mapping[str, Label | None] | None = None,
        features: Mapping[str, Feature | None] | None = None,
        flags: Mapping[str, bool | None] | None = None,
        reasons: Iterable[str] | None = None,
        entity: Id | None = None,
        version: Label | None = None,
        stage: Label | None = None,
    ) -> bool:
        """What a model decided about a person. True when the event is queued.

        `id` identifies the decision, `decision` is a bool, a class or a text, `score` the model's number,
        `value` a numeric decision such as a price. `attributes` maps a protected attribute to the
        person's group or to a map of probabilities. `time` is an aware datetime or Unix seconds, by
        default now. Missing values are None or left out.
        """
        try:
            row = decision_row(
                id=id,
                decision=decision,
                time=time,
                score=score,
                value=value,
                attributes=attributes,
                slices=slices,
                features=features,
                flags=flags,
                reasons=reasons,
                entity=entity,
                version=version,
                stage=stage,
            )
            return self._decide(row, model)
        except Exception as error:
            return self._failed(error)

    def _decide(self, row: Row, model: str | None) -> bool:
        if self._pseudonyms is not None:
            row["id"] = self._pseudonyms.id(row["id"])
            if "entity" in row:
                row["entity"] = self._pseudonyms.entity(row["entity"])
        return self._offer(self._decisions_topic, model_name(model or self._model), row["id"], row)

    def feedback(
        self,
        *,
        decision_id: Id,
        time: Time | None = None,
        outcome: Label | None = None,
        decision: Label | None = None,
        values: Mapping[str, float | None] | None = None,
        flags: Mapping[str, bool | None] | None = None,
        attributes: Mapping[str, Group | None] | None = None,
    ) -> bool:
        """What came back, seconds or months later. True when the event is queued.

        `outcome` is what turned out to be true, `decision` the final one by a human, `values` are
        numbers such as csat, `flags` booleans such as helpful or appealed. At least one of them, or of
        `attributes`, is needed.
        """
        try:
            row = feedback_row(
                decision_id=decision_id,
                time=time,
                outcome=outcome,
                decision=decision,
                values=values,
                flags=flags,
                attributes=attributes,
            )
            if self._pseudonyms is not None:
                row["decision_id"] = self._pseudonyms.id(row["decision_id"])
            return self._offer(self._feedback_topic, None, row["decision_id"], row)
        except Exception as error:
            return self._failed(error)

    def scores(self, describe: Callable[..., Mapping[str, Any]]) -> Callable[[Function], Function]:
        """Decorates a scoring function, plain or async: every call emits a decision.

        `describe(result, *args, **kwargs)` gets what the function returned and its arguments, and
        returns the arguments of `decision`. It runs in the app's thread, so it should be cheap.

        >>> from fairlead_client.testing import Recorder
        >>> emitter = Emitter(model="credit", connect=Recorder().connect)
        >>> @emitter.scores(lambda p, loan: {"id": loan["id"], "decision": p < 0.1, "score": p})
        ... def default_risk(loan):
        ...     return 5_000 / loan["income"]
        >>> default_risk({"id": "loan-17", "income": 100_000}), emitter.close(), emitter.stats["sent"]
        (0.05, True, 1)
        """

        def decorate(function: Function) -> Function:
            @functools.wraps(function)
            def scored(*args: Any, **kwargs: Any) -> Any:
                result = function(*args, **kwargs)
                self._describe(describe, result, args, kwargs)
                return result

            @functools.wraps(function)
            async def scored_later(*args: Any, **kwargs: Any) -> Any:
                result = await function(*args, **kwargs)
                self._describe(describe, result, args, kwargs)
                return result

            return cast(Function, scored_later if inspect.iscoroutinefunction(function) else scored)

        return decorate

    def _describe(
        self,
        describe: Callable[..., Mapping[str, Any]],
        result: object,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        try:
            fields = dict(describe(result, *args, **kwargs))
            model = fields.pop("model", None)
            self._decide(decision_row(**fields), model)
        except Exception as error:
            self._failed(error)

    def _offer(self, topic: str, model: str | None, id: str, row: Row) -> bool:
        if self._sender.offer(topic, model, id, row, block=self._block):
            return True
        if self._sender.closed.is_set():
            raise DroppedEventError("closed", "the emitter is closed")
        raise DroppedEventError("full", f"max_events: {self._max_events} events wait for the topic {topic}")

    def _failed(self, error: Exception) -> Literal[False]:
        """Counts and logs what must not reach the app, without the event's values."""
        if isinstance(error, InvalidEventError):
            kind, message = "invalid", f"{error.field}: give {error.allowed}"
        elif isinstance(error, DroppedEventError):
            kind, message = error.kind, str(error)
        else:
            kind, message = "error", place(error)
        self._sender.complaints.say(kind, message)
        if self._strict:
            raise error
        return False

    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until what was emitted before is sent, or spilled; True when all of it is.

        False after `timeout` seconds, and when an event was ever `refused` or `lost`. In coroutines:
        `await asyncio.to_thread(emitter.flush)`.
        """
        return self._sender.flush(timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Sends what is queued, ends the thread and takes no more; True when nothing was `refused` or `lost`.

        Waits `timeout` seconds, by default `exit_timeout`.
        """
        return self._sender.close(self._exit_timeout if timeout is None else timeout)

    def __enter__(self) -> Emitter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def stats(self) -> dict[str, int]:
        """What this process has counted.

        Events: `accepted` into the queue, `pending` in it, `sent` (acknowledged by Kafka), `spilled` to
        disk, `replayed` from there (these are in `sent`, too); not taken because `invalid`, `full` or
        `closed`, or of an `error` in the app's own description; given up because `refused` (too large for
        Kafka) or `lost` (still queued at the end). Lines on disk that were `unreadable`. Failed attempts
        to reach `kafka` or the disk (`spill`). Faults of the client that its thread survived: `unexpected`.
        """
        sender = self._sender
        return {
            "accepted": sender.buffer.accepted,
            "pending": len(sender.buffer),
            "sent": sender.sent,
            "spilled": sender.spilled,
            "replayed": sender.replayed,
            **{kind: sender.complaints.counts[kind] for kind in (*REFUSALS, *TROUBLES)},
        }


def _check(policy: str, spill_dir: object, max_events: int) -> None:
    if policy not in POLICIES:
        raise ValueError(f"policy: {policy!r} is not allowed, give one of {', '.join(POLICIES)}")
    if (policy == "spill") != (spill_dir is not None):
        raise ValueError(f"spill_dir: {spill_dir!r} does not go with policy {policy!r}")
    if max_events < 1:
        raise ValueError(f"max_events: {max_events} is not allowed, give 1 or more")


_emitters: weakref.WeakSet[Emitter] = weakref.WeakSet()


def _after_fork() -> None:
    for emitter in list(_emitters):
        emitter._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
