"""Shared by the data sets."""
