"""The long run: `make faults`. A schedule that fails is printed, and can be run again alone."""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.schedule import ACTIONS
from tests.faults.trial import LONG, SHORT, Size, described, run
from tests.kafka.broker import Broker, running

MOST_FAILED = 100  # that an exit status tells


def main() -> int:
    """Runs the schedules; how many failed."""
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # with broker and workers
    seeds = [args.seed] if args.seed is not None else list(range(args.start, args.start + args.runs))
    start = time.monotonic()
    if args.lane is not None:
        return _failed(seeds[args.lane :: args.jobs], args)
    failed = _failed(seeds, args) if min(args.jobs, len(seeds)) == 1 else _lanes(args.jobs)
    failed = min(failed, len(seeds))
    minutes = (time.monotonic() - start) / 60
    print(f"{len(seeds) - failed} of {len(seeds)} schedules passed in {minutes:.0f} minutes")
    return 1 if failed else 0


def _lanes(count: int) -> int:
    """Runs them side by side, each lane on a broker of its own: for most of its time a schedule waits."""
    command = [sys.executable, "-m", "tests.faults", *sys.argv[1:], "--lane"]
    lanes = [subprocess.Popen([*command, str(lane)]) for lane in range(count)]
    try:
        return sum(abs(lane.wait()) for lane in lanes)  # negative: somebody has killed it
    finally:
        for lane in lanes:
            lane.terminate()
        for lane in lanes:
            lane.wait()


def _failed(seeds: list[int], args: argparse.Namespace) -> int:
    """Runs one after the other on one broker; how many failed."""
    size = SHORT if args.short else LONG
    failed = 0
    with tempfile.TemporaryDirectory(prefix="fairlead-faults-") as name:
        home = Path(name)
        with running(Broker(home)) as broker:
            for number, seed in enumerate(seeds, 1):
                start = time.monotonic()
                said = _result(seed, size, broker, home, tuple(args.only))
                failed += not said.startswith("passed")
                took = f"{time.monotonic() - start:.0f} s, {number} of {len(seeds)}"
                print(f"seed {seed} ({took}) {said}", flush=True)
    return min(failed, MOST_FAILED)


def _result(seed: int, size: Size, broker: Broker, home: Path, only: tuple[str, ...]) -> str:
    try:
        return f"passed; {run(seed, size, broker, Path(tempfile.mkdtemp(dir=home)), only)}"
    except Exception:
        return f"failed\n{traceback.format_exc()}\n{described(seed, size, only)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, help="this schedule alone")
    parser.add_argument("--runs", type=int, default=50, help="how many schedules (default: 50)")
    parser.add_argument("--start", type=int, default=0, help="the first one's seed (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    parser.add_argument("--short", action="store_true", help="short ones, like those of the tests")
    parser.add_argument("--only", nargs="+", default=(), choices=ACTIONS, help="only these things happen")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.jobs < 1 or args.runs < 1:
        parser.error("--jobs and --runs: 1 or more")
    return args


if __name__ == "__main__":
    sys.exit(main())
