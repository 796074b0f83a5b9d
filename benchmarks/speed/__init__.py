"""Parts of `bench.py`, which compares unoqa with an earlier commit and with its peer, and of `quick.py`."""
