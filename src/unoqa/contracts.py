"""The contracts for packages that add a choice to unoqa through an entry point.

A module of yours defines one final class of a contract and is named in an entry point of your package:

    [project.entry-points."unoqa.lowquality"]
    my_module = "my_package.my_module"

The groups are `unoqa.formats`, `unoqa.encoders`, `unoqa.encoders.measures`, `unoqa.lowquality`, `unoqa.thresholds`,
`unoqa.reductions`, `unoqa.clusterings` and `unoqa.outputs`. `unoqa choices` then lists it. A recipe can name an
encoder, module, threshold, reduction or clustering; a measure is a channel of the encoder `measures`; an output is made
by every run if it says `default`, else by `unoqa export --as NAME`; a format is tried by itself.

Settings are frozen dataclasses made with `@settings`; `fit` or `open` returns another, fitted object.
"""

from unoqa.core.contracts import (
    NO_WORK,
    Assignment,
    Clustering,
    Encoder,
    FittedModule,
    FittedReduction,
    LowQualityModule,
    OpenEncoder,
    Partition,
    Reduction,
    State,
    Threshold,
    WithLatents,
)
from unoqa.core.errors import FitError, ImageError, ResultsError, UsageError, WeightsError
from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.grading import Grade
from unoqa.core.image import EnfaceImage
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import GRID, Views, subtract_median
from unoqa.formats.parts.contract import Format
from unoqa.outputs.parts.contract import Output
from unoqa.store.files import replace_file
from unoqa.store.formulas import escape_formula
from unoqa.store.results import Results

__all__ = [
    "GRID",
    "NO_WORK",
    "Assignment",
    "Clustering",
    "Encoder",
    "EnfaceImage",
    "Evidence",
    "FeaturePyramid",
    "FeatureSet",
    "FitError",
    "FittedModule",
    "FittedReduction",
    "Format",
    "Grade",
    "ImageError",
    "LowQualityModule",
    "Measure",
    "OpenEncoder",
    "Output",
    "Partition",
    "Reduction",
    "Results",
    "ResultsError",
    "Scale",
    "State",
    "Threshold",
    "UsageError",
    "Views",
    "WeightsError",
    "WithLatents",
    "Work",
    "escape_formula",
    "replace_file",
    "settings",
    "subtract_median",
]
