"""The measurements of `benchmarks/stats.py`: streams, methods, tables, bars and the plot."""
