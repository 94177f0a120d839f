"""Measurements: each module of a benchmark has a `measure(quick)` that returns rows; `python -m bench` prints them.

Figures are side by side in one run and compared as ratios; nothing here is a test.
"""
