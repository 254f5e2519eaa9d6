"""Measures the product against bare counterparts in the same run: `python -m tests.bench [--quick] [--json FILE]`."""
