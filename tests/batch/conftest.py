"""The made-up clinic, for the tests of this room."""

from clinic import base, clinic, grader, model, settled, settled_model, weights
from cluster import cluster
from one_run import images, whole

__all__ = ["base", "clinic", "cluster", "grader", "images", "model", "settled", "settled_model", "weights", "whole"]
