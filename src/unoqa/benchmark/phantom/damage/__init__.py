"""Kinds of damage; each file is one kind."""
