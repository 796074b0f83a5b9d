"""Shared by the kinds of damage."""
