"""When the clock of a deployment is known: in a Kafka of lists where everything takes as long as it likes."""

import random
from collections import defaultdict
from math import inf
from typing import NamedTuple

import pytest

from streams.clocks import LOOKS, SETTLE_SECONDS, WORDS, Listener, Speaker
from streams.messages import Clock

PARTITIONS = 3
ENOUGH = 2 * LOOKS + 1  # words of each: a look ends with a word that names one of since it began


class Message(NamedTuple):
    """An event, a claim or a repeat, on its way to the partition where its decision is."""

    event: int  # its number: the later the event, the larger
    home: int
    claimed: int | None  # the partition that its claim goes to


class World:
    """What lies in Kafka, and who works on it. An event lies there before the next later one does."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.now = chance, 0.0
        self.logs: dict[tuple[str, int], list[Message]] = defaultdict(list)
        self.words: list[Clock] = []
        self.events: dict[int, Message] = {}
        self.counted: set[int] = set()
        self.latest: dict[int, int] = {}  # by partition: the time of durable facts
        self.holders = [Holder(self, partition) for partition in range(PARTITIONS)]
        self.stale: list[Holder] = []
        self.listener, self.heard, self.time = Listener(), 0, -1
        self.paces = [30] * (PARTITIONS + 1)  # of the partitions, and of who listens

    def produce(self) -> None:
        chance, number = self.chance, len(self.events)
        home = chance.randrange(PARTITIONS)
        claimed = chance.choice([None, chance.randrange(PARTITIONS)])
        self.events[number] = Message(number, home, claimed)
        place = chance.choice([home, home, chance.randrange(PARTITIONS)])
        self.logs[chance.choice("df"), place].append(self.events[number])

    def replace(self) -> None:
        """A partition gets another holder; the old one is dead, or does not know it yet."""
        partition = self.chance.randrange(PARTITIONS)
        self.stale.append(self.holders[partition])
        self.holders[partition] = Holder(self, partition)

    def listen(self) -> None:
        """Hears one word. What is told then must be true."""
        if self.heard < len(self.words):
            self.listener.hear(self.words[self.heard], self.now)
            self.heard += 1
            told = self.listener.time(inf)
            self.time = max(self.time, -1 if told is None else told)
            missing = {number for number in self.events if number < self.time} - self.counted
            assert not missing, f"{missing} were not counted when all up to {self.time} was said to be"

    def turn(self) -> None:
        """Anything happens."""
        self.now += 1
        if self.chance.random() < 0.01:
            self.paces = [self.chance.choice([3, 30, 100]) for _ in self.paces]
            for holder in self.holders:
                holder.curious = self.chance.choice([0.02, 1])
        acts = {self.produce: 3, self.replace: 0.05, self.listen: self.paces[-1]}
        acts |= {holder.act: pace for holder, pace in zip(self.holders, self.paces, strict=False)}
        acts |= {holder.act: 1 for holder in self.stale[-3:]}
        self.chance.choices(list(acts), list(acts.values()))[0]()

    def calm(self) -> None:
        """Nothing new comes, nobody dies; everybody does what there is to do."""
        for holder in self.holders * (LOOKS + ENOUGH):
            self.now += 1
            for step in holder.steps:
                step()
        while self.heard < len(self.words):
            self.listen()


class Holder:
    """Who holds one partition: asks, gets answers, takes what they hold, and says how far it is."""

    def __init__(self, world: World, partition: int) -> None:
        self.world, self.partition, self.speaker = world, partition, Speaker()
        self.restored = world.latest.get(partition)
        self.positions = dict.fromkeys("dfer", 0)  # all comes again: facts that are known change nothing
        self.times: dict[str, int] = {}
        self.asked: float | None = None
        self.answered: dict[str, int] | None = None  # under way: where the logs end
        self.ends: dict[str, int] = {}  # what came,
        self.as_of = inf  # and when it was asked for
        self.word: Clock | None = None
        self.is_logged = False
        self.curious = 1.0  # how often it asks, and reads answers
        self.steps = [self.say, self.log, self.confirm, self.ask, self.answer, self.receive, self.take]

    def act(self) -> None:
        """One step of saying, of asking, or of taking."""
        saying = self.say if self.word is None else self.confirm if self.is_logged else self.log
        asking = self.ask if self.asked is None else self.answer if self.answered is None else self.receive
        self.world.chance.choices([saying, asking, self.take_some], [1, self.curious, 1])[0]()

    def ask(self) -> None:
        if self.asked is None:
            self.asked = self.world.now

    def answer(self) -> None:
        """The broker looks where the logs end; its answer lies where the holder may read it much later."""
        if self.asked is not None and self.answered is None:
            self.answered = {topic: len(self.world.logs[topic, self.partition]) for topic in "dfer"}

    def receive(self) -> None:
        if self.asked is not None and self.answered is not None:
            self.ends, self.as_of = self.answered, self.asked
            self.asked = self.answered = None

    def take_some(self) -> None:
        self.take(self.world.chance.choice(["dfer", "refd", "d", "f"]))

    def take(self, topics: str = "dfer") -> None:
        """Takes what is there of topics; what it leaves is in Kafka before it is done."""
        for topic in topics:
            for message in self.world.logs[topic, self.partition][
                self.positions[topic] : self.ends.get(topic)
            ]:
                self._settle(topic, message)
            self.positions[topic] = max(self.positions[topic], self.ends.get(topic, 0))

    def _settle(self, topic: str, message: Message) -> None:
        world, logs = self.world, self.world.logs
        if topic in "df" and message.home != self.partition:
            logs[topic, message.home].append(message)
            return
        self.times[topic] = max(message.event, self.times.get(topic, 0))
        world.latest[self.partition] = max(message.event, world.latest.get(self.partition, 0))
        if topic == "e":
            logs["r", message.home].append(message)
        elif topic in "df" and message.claimed is not None:
            logs["e", message.claimed].append(message)
        else:
            world.counted.add(message.event)

    def say(self) -> None:
        if self.word is None and self.ends:
            idle = {topic for topic, end in self.ends.items() if self.positions[topic] == end}
            clock = Clock(self.partition, PARTITIONS, self._time(idle), len(idle) == 4)
            self.word, self.is_logged = self.speaker.word(clock, self.as_of if idle else inf), False

    def _time(self, idle: set[str]) -> int | None:
        if len(idle) == 4:
            known = [*self.times.values(), *([] if self.restored is None else [self.restored])]
            return max(known, default=None)
        times = [self.times.get(topic) for topic in "dfer" if topic not in idle]
        return None if None in times else min(time for time in times if time is not None)

    def log(self) -> None:
        if self.word is not None and not self.is_logged:
            self.is_logged = True
            self.world.words.append(self.word)

    def confirm(self) -> None:
        """It hears that its word is in the log."""
        if self.word is not None and self.is_logged:
            self.speaker.logged(self.word, self.world.now)
            self.word = None


@pytest.mark.parametrize("seed", range(50))
def test_what_is_told_is_true_however_long_anything_takes_and_told_once_all_is_calm(seed: int) -> None:
    world = World(random.Random(seed))
    for _ in range(4_000):
        world.turn()
    world.calm()
    assert world.time == len(world.events) - 1


def words(
    speakers: list[Speaker], time: int | None, *, idle: bool = False, as_of: float = inf
) -> list[Clock]:
    """What all partitions say, one after the other. It is in the log in the same moment."""
    told = []
    for partition, speaker in enumerate(speakers):
        told.append(speaker.word(Clock(partition, len(speakers), time, idle), as_of))
        speaker.logged(told[-1], 0.0)
    return told


def hear(listener: Listener, told: list[Clock], now: float = 0.0) -> None:
    for word in told:
        listener.hear(word, now)


def test_nothing_is_told_before_all_have_looked_often_enough() -> None:
    listener, speakers = Listener(), [Speaker(), Speaker()]
    seen = []
    for _ in range(ENOUGH):
        hear(listener, words(speakers, 9))
        seen.append(listener.time(SETTLE_SECONDS))
    assert (seen[LOOKS], seen[-1]) == (None, 9)


def test_who_rests_upon_an_old_answer_has_not_looked() -> None:
    """The broker stands still, or the worker: it says again what it knew."""
    listener, speakers = Listener(), [Speaker(), Speaker()]
    for _ in range(ENOUGH):
        hear(listener, words(speakers, 9, idle=True, as_of=-1.0))
    assert listener.time(SETTLE_SECONDS) is None
    for _ in range(ENOUGH):
        hear(listener, words(speakers, 9, idle=True))
    assert listener.time(SETTLE_SECONDS) == 9


def test_who_is_dead_holds_the_clock_until_another_speaks_for_it() -> None:
    listener, speakers = Listener(), [Speaker(), Speaker()]
    for _ in range(ENOUGH):
        hear(listener, words(speakers, 9, idle=True))
    assert listener.time(SETTLE_SECONDS) == 9
    told = set()
    for _ in range(3 * WORDS):
        hear(listener, words(speakers, 90)[:1])
        told.add(listener.time(SETTLE_SECONDS))
    assert told == {9, None}  # None: it was long ago
    assert len(listener._heard) <= 2 * WORDS
    speakers[1] = Speaker()
    for _ in range(ENOUGH):
        hear(listener, words(speakers, 40))
    assert listener.time(SETTLE_SECONDS) == 40


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        ([(10, False), (20, False), (30, False)], 10),
        ([(10, True), (20, False), (30, False)], 20),
        ([(10, False), (20, False), (None, False)], None),  # it reads, and knows no time yet
        ([(10, False), (20, False), (None, True)], 10),
        ([(10, True), (20, True), (None, True)], 20),
        ([(None, True), (None, True), (None, True)], None),
    ],
)
def test_the_clock_is_the_slowest_of_those_that_are_not_idle(
    clocks: list[tuple[int | None, bool]], expected: int | None
) -> None:
    listener, speakers = Listener(), [Speaker() for _ in clocks]
    for _ in range(ENOUGH):
        for partition, (speaker, (time, idle)) in enumerate(zip(speakers, clocks, strict=True)):
            word = speaker.word(Clock(partition, len(clocks), time, idle), inf)
            speaker.logged(word, 0.0)
            listener.hear(word, 0.0)
    assert listener.time(SETTLE_SECONDS) == expected


def test_a_word_of_a_worker_that_names_none_is_waited_for() -> None:
    """An older Fairlead's, while a deployment is upgraded."""
    listener, speaker = Listener(), Speaker()
    for _ in range(ENOUGH):
        hear(listener, [Clock(1, 2, 5, True)])
        listener.hear(speaker.word(Clock(0, 2, 5, False), inf), 0.0)
    assert listener.time(SETTLE_SECONDS) is None


def test_what_all_have_said_stands_for_some_seconds_first() -> None:
    """All were idle; then much comes at once, and reaches one partition before the other."""
    listener, (first, second) = Listener(), (Speaker(), Speaker())
    for now in range(-ENOUGH, 1):
        hear(listener, words([first, second], 10, idle=True), now)
    assert listener.time(0.0) == 10
    for _ in range(ENOUGH):
        hear(listener, words([first, second], 90), 1.0)
    assert listener.time(1.0 + SETTLE_SECONDS - 0.1) == 10
    hear(listener, words([first, second], 20), 3.0)
    assert listener.time(1.0 + SETTLE_SECONDS) == 20


def test_a_word_is_due_when_it_is_news_or_the_last_one_is_old() -> None:
    speaker, told = Speaker(), Clock(0, 1, 5, False)
    assert speaker.is_due(told, 0.0, 0.5)
    speaker.logged(speaker.word(told, inf), 1.0)
    assert speaker.time == 5
    assert [speaker.is_due(told, now, 0.5) for now in (1.4, 1.5)] == [False, True]
    assert speaker.is_due(Clock(0, 1, 6, False), 1.1, 0.5)
