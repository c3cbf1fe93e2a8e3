"""A worker without one of our remedies: what Faust does then, and why we do not let it."""

from collections.abc import Callable
from typing import Any

from faust.transport.drivers.aiokafka import Consumer as Faust

from streams.consumer import Consumer
from streams.tables import Table


class Ungated(Consumer):
    """Faust's own order of seeking and fetching around a rebalance."""

    stop_flow = Faust.stop_flow
    resume_flow = Faust.resume_flow
    resume_partitions = Faust.resume_partitions
    perform_seek = Faust.perform_seek
    seek_wait = Faust.seek_wait


class Counting(Consumer):
    """Faust's own commits: it counts the offsets that were acknowledged, and fills the gaps between."""

    ack = Faust.ack
    _add_gap = Faust._add_gap
    _new_offset = Faust._new_offset
    _filter_tps_with_pending_acks = Faust._filter_tps_with_pending_acks

    def _settle(self, *_: object) -> None:
        """Nothing: what was acknowledged is Faust's to count."""


class Trusting(Consumer):
    """Joins whatever topics there are."""

    async def _require_copartitions(self) -> None:
        """Nothing."""


class TrustingTable(Table):
    """Takes whatever partitions come together."""

    def _require_inputs(self, assigned: Any) -> set[int]:
        return {tp.partition for tp in assigned if tp.topic == self.changelog_topic_name}


def unguarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """An agent whose errors are Faust's business."""
    return function


CONSUMERS = {"gate": Ungated, "commits": Counting, "counts": Trusting}
TABLES = {"counts": TrustingTable}
