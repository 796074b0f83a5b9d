"""Decoding in processes of their own: a decoder that crashes, hangs or fills the memory costs one image, not the run.

`reading.py` is the way in, `decoder.py` is one such process as seen from outside, `child.py` is what runs in it, and
`messages.py` is what both say to each other: text and numbers, never pickled objects.
"""
