"""Procedural OCTA scans with planted damage: images that everyone may ship, show and test on."""
