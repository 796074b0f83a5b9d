"""Kinds of damage: a file is a kind."""
