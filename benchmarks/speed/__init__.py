"""Parts of `bench.py`, which measures unoqa beside its peer, and of `quick.py`, which watches for slow-downs."""
