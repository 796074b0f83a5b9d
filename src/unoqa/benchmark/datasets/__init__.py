"""Labelled data sets: each finds its images, splits and reference grades in the layout it is published in."""

from unoqa.benchmark.datasets.parts.contract import DataSet, Labelled, Study
from unoqa.benchmark.datasets.parts.thinning import thinned
from unoqa.core.catalog import Shelf

DATASETS: Shelf[DataSet] = Shelf(__name__, DataSet, "data set")  # type: ignore[type-abstract]

__all__ = ["DATASETS", "DataSet", "Labelled", "Study", "thinned"]
