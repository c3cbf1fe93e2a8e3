"""Data quality: is what arrives still of the kind, the range and the amount that the baseline had?"""
