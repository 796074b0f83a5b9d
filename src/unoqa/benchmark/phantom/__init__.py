"""Synthetic OCTA scans with known damage: images that everyone may ship, show and test on."""
