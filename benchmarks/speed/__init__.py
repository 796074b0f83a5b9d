"""Parts of `bench.py`, which compares unoqa with its peer, and of `quick.py`, which finds slow-downs."""
