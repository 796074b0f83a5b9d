"""Procedural OCTA scans with planted damage: images that may be shipped, shown and tested on by everyone."""
