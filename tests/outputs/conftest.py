"""The synthetic clinic, for the tests of reports."""

from clinic import base, clinic, grader, model, settled, settled_model, weights

__all__ = ["base", "clinic", "grader", "model", "settled", "settled_model", "weights"]
