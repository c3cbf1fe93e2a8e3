"""The end of a process, and forks: each in a process of its own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., list[str]]
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def test_events_are_sent_when_a_script_just_ends(run: Run) -> None:
    script = """
        emitter = Emitter(model="credit", connect=ToFile().connect, linger=100)
        for id in "abc":
            emitter.decision(id=id, decision=True)
    """
    assert sorted(run(script)) == ["a", "b", "c"]


def test_events_are_sent_when_a_script_fails(run: Run) -> None:
    script = """
        emitter = Emitter(model="credit", connect=ToFile().connect)
        emitter.decision(id="a", decision=True)
        sys.exit(0)
    """
    assert run(script) == ["a"]


def test_threads_that_outlive_the_main_one_lose_nothing(run: Run) -> None:
    script = """
        import threading
        emitter = Emitter(model="credit", connect=ToFile().connect)
        emitter.decision(id="a", decision=True)

        def later():
            threading.main_thread().join()
            emitter.flush()
            while threading.active_count() > 2:  # until the client's thread has ended
                pass
            emitter.decision(id="b", decision=True)

        threading.Thread(target=later).start()
    """
    assert sorted(run(script)) == ["a", "b"]


def test_the_end_waits_no_longer_than_allowed(run: Run) -> None:
    script = """
        import logging
        logging.disable()

        class Down(ToFile):
            def deliver(self, messages, left):
                raise ConnectionError

        emitter = Emitter(model="credit", connect=Down().connect, exit_timeout=0.2)
        emitter.decision(id="a", decision=True)
    """
    assert run(script) == []


def test_what_is_queued_at_the_end_is_spilled_for_the_next_process(run: Run, tmp_path: Path) -> None:
    spilling = """
        import logging
        logging.disable()

        class Down(ToFile):
            def deliver(self, messages, left):
                raise ConnectionError

        emitter = Emitter(model="credit", connect=Down().connect, policy="spill", spill_dir=sys.argv[2])
        emitter.decision(id="a", decision=True)
    """
    replaying = """
        import time
        emitter = Emitter(model="credit", connect=ToFile().connect, policy="spill", spill_dir=sys.argv[2])
        while not emitter.stats["replayed"]:
            time.sleep(0.01)
    """
    folder = str(tmp_path / "spill")
    assert run(spilling, folder) == []
    assert run(replaying, folder) == ["a"]


@POSIX
def test_a_forked_child_sends_its_own_events_and_not_its_parents(run: Run) -> None:
    script = """
        emitter = Emitter(model="credit", connect=ToFile().connect, linger=1)
        for id in ("queued-1", "queued-2"):
            emitter.decision(id=id, decision=True)
        child = os.fork()
        if child == 0:
            assert emitter.stats["accepted"] == 0
            emitter.decision(id="child", decision=True)
        else:
            emitter.decision(id="parent", decision=True)
            assert os.waitpid(child, 0)[1] == 0
    """
    assert sorted(run(script)) == ["child", "parent", "queued-1", "queued-2"]


@POSIX
def test_forks_amid_the_emitting_of_many_threads(run: Run) -> None:
    script = """
        import threading
        emitter = Emitter(model="credit", connect=ToFile().connect, linger=0.01)

        def emit(name):
            for n in range(500):
                emitter.decision(id=f"{name}-{n}", decision=True)

        threads = [threading.Thread(target=emit, args=(f"thread-{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for n in range(5):
            child = os.fork()
            if child == 0:
                emitter.decision(id=f"child-{n}", decision=True)
                os._exit(0 if emitter.close() else 1)
            assert os.waitpid(child, 0)[1] == 0
        for thread in threads:
            thread.join()
    """
    expected = [f"thread-{thread}-{n}" for thread in range(4) for n in range(500)]
    assert sorted(run(script)) == sorted([*expected, *(f"child-{n}" for n in range(5))])


@POSIX
def test_children_of_multiprocessing_send_what_they_emit(run: Run) -> None:
    script = """
        import multiprocessing
        emitter = Emitter(model="credit", connect=ToFile().connect)

        def work(name):
            emitter.decision(id=name, decision=True)

        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=work, args=(f"worker-{n}",)) for n in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    """
    assert sorted(run(script)) == ["worker-0", "worker-1", "worker-2"]


@POSIX
def test_the_child_of_a_closed_emitter_is_closed(run: Run) -> None:
    script = """
        emitter = Emitter(model="credit", connect=ToFile().connect)
        emitter.close()
        child = os.fork()
        if child == 0:
            os._exit(0 if emitter.stats["closed"] == 0 and emitter._sender.closed.is_set() else 1)
        assert os.waitpid(child, 0)[1] == 0
    """
    assert run(script) == []


@POSIX
def test_a_signal_handler_may_emit_while_its_thread_is_emitting(run: Run) -> None:
    script = """
        import itertools, signal
        emitter = Emitter(model="credit", connect=ToFile().connect)
        handled, numbers = [], itertools.count()

        def handler(signum, frame):
            handled.append(emitter.decision(id=f"signal-{next(numbers)}", decision=True))

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        n = 0
        while len(handled) < 50:
            emitter.decision(id=f"main-{n}", decision=True)
            n += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert emitter.flush()
        assert emitter.stats["sent"] == n + len(handled)
    """
    delivered = run(script)
    assert len(delivered) == len(set(delivered))
    assert sum(id.startswith("signal") for id in delivered) >= 50


@POSIX
def test_a_spilled_file_has_its_name_durably(run: Run, tmp_path: Path) -> None:
    script = """
        import logging
        logging.disable()

        transport, folder, synced, fsync = ToFile(), sys.argv[2], [], os.fsync

        def record(descriptor):
            if os.fstat(descriptor).st_ino == os.stat(folder).st_ino:
                synced.extend(os.listdir(folder))
            fsync(descriptor)

        os.fsync = record
        transport.error = ConnectionError()
        emitter = Emitter(model="credit", connect=transport.connect, policy="spill", spill_dir=folder)
        emitter.decision(id="a", decision=True)
        assert emitter.close()
        assert synced == os.listdir(folder) and synced[0].endswith(".jsonl"), synced
    """
    run(script, str(tmp_path / "spill"))


@POSIX
def test_a_disk_that_is_full_loses_nothing_that_is_queued(run: Run, tmp_path: Path) -> None:
    """A file that grows no further stands in for it: the write breaks off in the middle."""
    script = """
        import logging, resource
        from tests.waiting import until
        logging.disable()

        transport = ToFile()
        transport.error = ConnectionError()
        spill = sys.argv[2]
        emitter = Emitter(model="credit", connect=transport.connect, policy="spill", spill_dir=spill)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        for id in "abc":
            emitter.decision(id=id, decision=True, attributes={"sex": "F" * 100})
        until(lambda: emitter.stats["spill"] > 0)
        assert emitter.stats["pending"] == 3 and emitter.stats["spilled"] == 0, emitter.stats
        until(lambda: not os.listdir(spill))  # not even the half of it
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        until(lambda: emitter.stats["spilled"] == 3)
        transport.error = None
        until(lambda: emitter.stats["replayed"] == 3 and not os.listdir(spill))
    """
    assert set(run(script, str(tmp_path / "spill"))) == {"a", "b", "c"}
