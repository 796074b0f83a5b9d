"""Labelled data sets: each finds its images, splits and reference grades in the layout in which it is published."""

from unoqa.benchmark.datasets.parts.contract import DataSet, LabelledImage, Study
from unoqa.benchmark.datasets.parts.subsampling import subsample_study
from unoqa.core.catalog import Shelf

DATASETS: Shelf[DataSet] = Shelf(__name__, DataSet, "data set")  # type: ignore[type-abstract]

__all__ = ["DATASETS", "DataSet", "LabelledImage", "Study", "subsample_study"]
