"""Reports of invalid events for the topic of those: few, however many events are refused."""

from collections.abc import Iterable

import msgspec

from monitor.events import Invalid
from streams.bundles import Bundle

EACH = 100  # refusals of a bundle that are reported each; the others together, by reason
PAYLOAD = 100_000  # bytes of a message that go along


def reports(found: Iterable[Invalid], bundle: Bundle, *, payload: bool) -> list[bytes]:
    """One record for each message and reason of a bundle; beyond the first EACH one for each reason.

    With `payload` they carry the text of the first message that they are about.
    """
    same: dict[tuple[int, str], list[Invalid]] = {}
    rest: dict[str, list[Invalid]] = {}
    for invalid in found:
        key = invalid.record, invalid.reason
        if key in same or len(same) < EACH:
            same.setdefault(key, []).append(invalid)
        else:
            rest.setdefault(invalid.reason, []).append(invalid)
    return [_report(alike, bundle, payload) for alike in [*same.values(), *rest.values()]]


def _report(alike: list[Invalid], bundle: Bundle, payload: bool) -> bytes:
    first, last = (bundle.records[each.record] for each in (alike[0], alike[-1]))
    report: dict[str, object] = {
        "topic": bundle.topic,
        "partition": bundle.partition,
        "offset": first.offset,
        "reason": alike[0].reason,
        "detail": alike[0].detail,
        "count": sum(each.count for each in alike),
    }
    if last.offset != first.offset:
        report["last"] = last.offset
    if payload:
        report["payload"] = (first.value or b"")[:PAYLOAD].decode(errors="replace")
    return msgspec.json.encode(report)
