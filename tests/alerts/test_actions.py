from alerts import actions
from alerts.actions import KEPT, Action, Journal, Kind, together
from alerts.silences import Silence


def silence(name: str, at: int = 0, until: int = 100) -> Action:
    made = Silence(id=name, until=until, by="Ada")
    return Action(id=name, kind=Kind.SILENCE, at=at, by="Ada", about=name, silence=made)


def did(name: str, kind: Kind, about: str, at: int = 1) -> Action:
    return Action(id=name, kind=kind, at=at, by="Bo", about=about, comment="looked into it")


def journal(*found: Action) -> Journal:
    made = Journal()
    for action in found:
        made.put(action)
    return made


def test_a_silence_holds_until_somebody_ends_it():
    made = journal(silence("s"), silence("t"))
    assert [s.id for s in made.silences()] == ["s", "t"]
    made.put(did("end", Kind.UNSILENCE, "s"))
    assert [s.id for s in made.silences()] == ["t"]


def test_the_end_may_come_before_the_beginning():
    assert journal(did("end", Kind.UNSILENCE, "s"), silence("s", at=5)).silences() == []


def test_twice_is_as_once_and_every_partition_tells_the_same():
    ack, mute = did("a", Kind.ACK, "alert", at=3), silence("s")
    both = [journal(ack, mute), journal(mute, ack, ack)]
    assert both[0].actions() == both[1].actions() == [mute, ack]
    assert together(both) == [ack, mute]


def test_a_restart_forgets_nothing():
    found = [silence("s"), did("a", Kind.ACK, "alert")]
    made = Journal()
    made.restore({actions.key(a): actions.encode(a) for a in found} | {b"outbox/x": b"not ours"})
    assert made.actions() == found


def test_old_actions_are_forgotten_but_for_silences_that_mute():
    acks = [did(f"{n:05d}", Kind.ACK, "alert", at=n) for n in range(1, KEPT + 3)]
    made = journal(silence("mutes", until=9_999), silence("over", until=5), *acks)
    assert made.forget(now=10) == [actions.key(silence("over")), *map(actions.key, acks[:2])]
    assert [a.id for a in made.actions()[:2]] == ["mutes", acks[2].id]
    assert made.forget(now=10_000) == [actions.key(silence("mutes"))]
