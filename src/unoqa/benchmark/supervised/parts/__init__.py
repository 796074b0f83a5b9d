"""Shared by the supervised references."""
