"""Change detectors on a stream of zeros and ones: errors, or a group's positive decisions.

One file each; the file's name is the word of the configuration. A detector reports that a rate moved, not
that it is unfair. Most are river's, behind one adapter.
"""

from monitor.drift.detectors._adapter import Detector, Kept, Slice, names, spread
from monitor.drift.detectors._reading import read, wanted

__all__ = ["Detector", "Kept", "Slice", "names", "read", "spread", "wanted"]
