"""A command of Fairlead under cProfile: `python -m benchmarks.stream.profiled FILE worker -c …`.

The profile of the main thread (CPU time) begins at SIGUSR1, so that starting up is not in it, and is written
to FILE at the end.
"""

import cProfile
import signal
import sys
import time

from streams.cli import main

if __name__ == "__main__":
    profile = cProfile.Profile(time.thread_time)
    signal.signal(signal.SIGUSR1, lambda *_: profile.enable())
    status = main(sys.argv[2:])
    profile.disable()
    profile.dump_stats(sys.argv[1])
    sys.exit(status)
