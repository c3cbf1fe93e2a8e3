"""The long run: `make faults`. A schedule that fails is printed, and can be run again alone."""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.schedule import ACTIONS
from tests.faults.trial import LONG, SHORT, Size, described, run
from tests.kafka.broker import Broker, running


def main() -> int:
    """Runs the schedules; 1 if one failed."""
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # with broker and workers
    seeds = [args.seed] if args.seed is not None else list(range(args.start, args.start + args.runs))
    size = SHORT if args.short else LONG
    with tempfile.TemporaryDirectory(prefix="fairlead-faults-") as name:
        home = Path(name)
        with running(Broker(home)) as broker:
            failed = [seed for seed in seeds if not _passes(seed, size, broker, home, tuple(args.only))]
    print(f"{len(seeds) - len(failed)} of {len(seeds)} schedules passed", *failed and ["failed:", *failed])
    return 1 if failed else 0


def _passes(seed: int, size: Size, broker: Broker, home: Path, only: tuple[str, ...]) -> bool:
    start = time.monotonic()
    try:
        said = run(seed, size, broker, Path(tempfile.mkdtemp(dir=home)), only)
    except Exception:
        traceback.print_exc()
        print(described(seed, size, only), flush=True)
        return False
    print(f"seed {seed} passed in {time.monotonic() - start:.0f} s; {said}", flush=True)
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, help="this schedule alone")
    parser.add_argument("--runs", type=int, default=50, help="how many schedules (default: 50)")
    parser.add_argument("--start", type=int, default=0, help="the first one's seed (default: 0)")
    parser.add_argument("--short", action="store_true", help="short ones, like those of the tests")
    parser.add_argument("--only", nargs="+", default=(), choices=ACTIONS, help="only these things happen")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
