"""What the stream costs, beside what it costs elsewhere, in one run."""
