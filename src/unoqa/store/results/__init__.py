"""A results folder: all that is known of a graded cohort, in one SQLite file; every view is made from it."""

from unoqa.store.results.decisions import Decision
from unoqa.store.results.places import ImageEntry
from unoqa.store.results.registration import RunPlan
from unoqa.store.results.results import Results
from unoqa.store.results.run import Run, begin_run

__all__ = ["Decision", "ImageEntry", "Results", "Run", "RunPlan", "begin_run"]
