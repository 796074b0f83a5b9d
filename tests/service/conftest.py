"""The made-up clinic, for the tests of this room."""

from clinic import base, clinic, grader, model, settled, settled_model

__all__ = ["base", "clinic", "grader", "model", "settled", "settled_model"]
