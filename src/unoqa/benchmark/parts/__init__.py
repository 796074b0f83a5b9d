"""Shared by labels and data sets."""
