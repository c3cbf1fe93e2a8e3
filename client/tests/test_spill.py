import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairlead_client.batch import Event
from fairlead_client.spill import CLAIM_SECONDS, Spill, SpillFullError

EVENTS = [
    Event(7, "decisions", "credit", "ä", {"id": "ä", "time": 1.5, "decision": True, "reasons": ["\u2028"]}),
    Event(9, "feedback", None, "b", {"decision_id": "b", "time": 2.0, "flags.helpful": False}),
]
TOPIC = "decisions"


def payload(events: list[Event]) -> list[tuple[object, ...]]:
    return [event[1:] for event in events]


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(tmp_path / "spill", 100_000)


def test_what_is_written_is_read(spill: Spill) -> None:
    spill.write(TOPIC, EVENTS)
    path = spill.claim()
    assert path is not None
    events, unreadable = spill.read(path)
    assert payload(events) == payload(EVENTS)
    assert unreadable == 0


def test_files_come_back_oldest_first_and_each_to_one_claimant(spill: Spill, tmp_path: Path) -> None:
    for event in EVENTS:
        spill.write(TOPIC, [event])
    other = Spill(tmp_path / "spill", 10_000)
    claimed = [spill.claim(), other.claim(), spill.claim()]
    assert claimed[2] is None
    assert [spill.read(path)[0][0].id for path in claimed[:2] if path] == ["ä", "b"]


def test_many_claimants_at_once_get_each_file_once(spill: Spill, tmp_path: Path) -> None:
    for number in range(60):
        spill.write(TOPIC, [EVENTS[0]._replace(id=str(number))])
    folder = tmp_path / "spill"
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: Spill(folder, 10_000).claim(), range(60)))
    names = [path.name for path in claimed if path is not None]
    assert len(names) == len(set(names))
    # Who lost every race goes away empty-handed and comes again.
    while (path := spill.claim()) is not None:
        names.append(path.name)
    ids = [spill.read(folder / name)[0][0].id for name in names]
    assert sorted(ids, key=int) == [str(number) for number in range(60)]


def test_a_folder_that_has_gone_is_an_error_for_the_caller(spill: Spill, tmp_path: Path) -> None:
    (tmp_path / "spill").rmdir()
    with pytest.raises(OSError, match="spill"):
        spill.write(TOPIC, EVENTS)


def test_a_released_file_can_be_claimed_again_after_the_others(spill: Spill) -> None:
    spill.write(TOPIC, EVENTS[:1])
    path = spill.claim()
    assert path is not None
    spill.write(TOPIC, [EVENTS[1]])
    spill.release(path)
    claimed = [spill.claim(), spill.claim()]
    assert [spill.read(path)[0][0].id for path in claimed if path] == ["b", "ä"]


def test_the_claim_of_a_dead_process_is_taken_over(spill: Spill) -> None:
    spill.write(TOPIC, EVENTS)
    path = spill.claim()
    assert path is not None
    assert spill.claim() is None
    long_ago = path.stat().st_mtime - CLAIM_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    again = spill.claim()
    assert again is not None
    assert payload(spill.read(again)[0]) == payload(EVENTS)
    assert spill.claim() is None


def test_what_a_dead_process_has_not_finished_writing_is_sent_as_far_as_it_came(
    spill: Spill, tmp_path: Path
) -> None:
    spill.write(TOPIC, EVENTS)
    [whole] = (tmp_path / "spill").iterdir()
    part = whole.rename(whole.with_suffix(".part"))
    part.write_bytes(part.read_bytes()[:-9])
    assert spill.claim() is None
    os.utime(part, (0, 0))
    path = spill.claim()
    assert path is not None
    events, unreadable = spill.read(path)
    assert (payload(events), unreadable) == (payload(EVENTS[:1]), 1)


def test_the_files_of_a_topic_that_rests_are_passed_over(spill: Spill, tmp_path: Path) -> None:
    spill.write("f" * 249, EVENTS[1:])
    spill.write(TOPIC, EVENTS[:1])
    path = spill.claim(resting=["f" * 249])
    assert path is not None
    assert payload(spill.read(path)[0]) == payload(EVENTS[:1])
    spill.release(path)
    assert spill.claim(resting=["f" * 249, TOPIC]) is None
    assert spill.claim(resting=[TOPIC]) is not None


def test_a_full_folder_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 200)
    spill.write(TOPIC, EVENTS)
    with pytest.raises(SpillFullError, match=r"^spill_bytes: 200 bytes are full$"):
        spill.write(TOPIC, EVENTS)
    assert len(list(tmp_path.iterdir())) == 1


def test_lines_that_are_no_events_are_counted(spill: Spill, tmp_path: Path) -> None:
    lines = [
        "[",
        "7",
        '["feedback", null, "a", {"x": NaN}]',
        '["decisions", 1, "a", {}]',
        '["feedback", null, 1, {}]',
        '["feedback", null, "a", {"x": 1e999}]',
        '["feedback", null, "a", {"x": "\\ud800"}]',
        '["feedback", null, "\\ud800", {}]',
        '["feedback", null, "a", {"x": ' + "[" * 100_000 + "]" * 100_000 + "}]",
        '["feedback", null, "a", {"x": [[1]]}]',
        '["feedback", null, "a", {}]',
    ]
    (tmp_path / "spill" / "1.jsonl").write_bytes("\n".join(lines).encode() + b"\n\xff")
    path = spill.claim()
    assert path is not None
    events, unreadable = spill.read(path)
    assert payload(events) == [("feedback", None, "a", {})]
    assert unreadable == 11


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_only_the_owner_can_read(spill: Spill, tmp_path: Path) -> None:
    spill.write(TOPIC, EVENTS)
    [path] = (tmp_path / "spill").iterdir()
    assert (tmp_path / "spill").stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
