"""Drift: how far what is current has moved from the baseline.

One file for each distance, in quality/ for each measure of data quality, in detectors/ for each change
detector. The file's name is the word of the configuration; files with an underscore in front are shared.
"""

from monitor.drift._measures import Measure, measures
from monitor.drift._reading import read

__all__ = ["Measure", "measures", "read"]
