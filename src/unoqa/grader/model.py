"""A model and its folder: what is saved is what is read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch

from unoqa.core.contracts import select_prefix
from unoqa.core.errors import UsageError
from unoqa.core.precision import Precision, find_usable, name_lack
from unoqa.encoders.measures import MEASURES
from unoqa.grader.card import render_model_card
from unoqa.grader.cohort import FittedThreshold
from unoqa.grader.content import FittedContent
from unoqa.grader.findings import FittedFindings
from unoqa.grader.fitting import FitReport, Fitted
from unoqa.grader.heat import HeatLevels
from unoqa.grader.model_checks import check_numbers, check_weights, explain, find_usable_measures
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.packages import check_packages, list_packages
from unoqa.grader.recipe_values import check_keys, parse_panel, parse_size, parse_slab, parse_split
from unoqa.grader.scans import FittedScans
from unoqa.grader.scope import ANY, Scope
from unoqa.grader.settling import COHORT, restore_statistics
from unoqa.grader.statistics import CohortStatistics
from unoqa.store.model_folder import read_model_folder, write_model_folder
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unoqa.core.contracts import State
    from unoqa.grader.panel import Panel
    from unoqa.grader.split import FittedSplit, Split
    from unoqa.store.model_folder import ModelFiles


@final
@dataclass(frozen=True)
class Model:
    """All that grading needs.

    Attributes:
        scans: what the images that it was fitted on have in common.
        split: settings of the split between gradable and ungradable.
        recipe: name of the recipe.
        settings: every setting of the recipe as plain values.
        date: of the fit, ISO 8601.
        precision: in which it was fitted.
        calibration: of a model whose borders were set with labels, number of labelled images, and kappa to expect
            before and after; else None.
        selftest: what a quick self-test found when the model was fitted; None if there was none, or the threshold was
            moved since.
        adapted: of a model that was fitted on the best of unlabelled images, how many there were and how many of them
            were fitted on; else None.
        checksum: SHA-256 that names the model folder it was read from; empty if it was not read from one.
        lacking: a sentence for each measure that it was fitted on and finds no fault by, since it is not installed.
    """

    encoders: OpenEncoders
    fitted: Fitted
    scans: FittedScans
    split: Split
    recipe: str
    settings: dict[str, Any]
    seed: int
    date: str
    precision: Precision = "single"
    calibration: dict[str, Any] | None = None
    adapted: dict[str, Any] | None = None
    checksum: str = ""
    selftest: dict[str, Any] | None = None
    lacking: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """Which scans the model is for."""
        return Scope(parse_slab({"slab": ANY} | self.settings, self.recipe), self.scans.kinds)

    @property
    def usable_precision(self) -> Precision:
        """The precision in which the model computes on this device: single where the device lacks its own."""
        return find_usable(self.precision, self.encoders.device)

    def check_without_labels(self) -> None:
        """Refuse a model whose borders were set with labels where they are to be set anew.

        Raises:
            UsageError: it is such a model.
        """
        if self.calibration is not None:
            raise UsageError(
                "The borders of this model were set with labels, and this would set them anew; name the model that it "
                "was made from."
            )

    def find_warnings(self) -> tuple[str, ...]:
        """Return a sentence for each measure that is not here, and one if the device lacks the model's precision."""
        if self.usable_precision == self.precision:
            return self.lacking
        return (
            *self.lacking,
            f"{name_lack(self.encoders.device)}, in which the model was fitted: these scores are in single precision, "
            "and may differ from those of a machine that multiplies it (docs/guide.md says by how much).",
        )


def write_model(
    folder: Path,
    model: Model,
    split: FittedSplit | None = None,
    cohort: int = 0,
    statistics: CohortStatistics | None = None,
) -> None:
    """Write a model folder.

    Args:
        split: the frozen split of a settled model, made by `cohort` images.
        statistics: of these images.

    Raises:
        ResultsError: the folder holds something that is not a model.
    """
    graphs = model.encoders.graphs()
    document, arrays = _document(model, graphs), _arrays(model)
    if split is not None:
        document["settled"] = {"cohort": cohort, **split.to_values()}
        arrays |= {f"settled.{name}": array for name, array in split.state().items()}
        if statistics is not None:
            document["settled"]["statistics"] = list(statistics.names)
            arrays |= {f"{COHORT}{name}": array for name, array in statistics.state().items()}
    write_model_folder(folder, document, arrays, graphs, render_model_card(document))


def read_model(folder: Path, device: torch.device) -> tuple[Model, FittedSplit | None, int, CohortStatistics | None]:
    """Read a model folder; return the model and, if it is settled, the frozen split, its number of images, and these
    images' statistics, which a model of an earlier version lacks.

    Raises:
        ModelError: the folder is missing, changed, or of another version.
    """
    files = read_model_folder(folder)
    try:
        model = _restore(files, device)
        settled = files.document.get("settled")
        if settled is None:
            return model, None, 0, None
        split = model.split.restore(select_prefix(files.arrays, "settled."), settled)
        return model, split, settled["cohort"], restore_statistics(files)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise explain(folder, error) from error


def _document(model: Model, graphs: Mapping[int, bytes]) -> dict[str, Any]:
    """Return facts and settings; means and standard deviations as exact decimals, which TOML keeps."""
    fitted = model.fitted
    packages = list_packages(model.settings, fitted.findings.names)
    return {
        "unoqa": __version__,
        "recipe": model.recipe,
        "seed": model.seed,
        "images": fitted.report.used,
        "patients": fitted.report.patients,
        "groups": list(fitted.report.groups),
        **model.scans.to_values(),
        "threshold": fitted.threshold.value,
        "std": fitted.threshold.std,
        "date": model.date,
        "precision": model.precision,
        "resize": "Pillow bilinear, support widened with the reduction",
        "encoders": [encoder.checksum for encoder in model.encoders.all],
        "engines": [
            "onnxruntime" if number in graphs else "torch" if encoder.checksum else ""
            for number, encoder in enumerate(model.encoders.all)
        ],
        "measures": {name: MEASURES.load(name).version for name in fitted.findings.names},
        "standards": [{"mean": member.mean, "std": member.std} for member in fitted.panel.members],
        "settings": model.settings,
        **({"packages": packages} if packages else {}),
        **({} if model.calibration is None else {"calibration": model.calibration}),
        **({} if model.selftest is None else {"selftest": model.selftest}),
        **({} if model.adapted is None else {"adapted": model.adapted}),
    }


def _arrays(model: Model) -> State:
    """Return all fitted arrays, and the encoders' weights."""
    parts: dict[str, State] = {
        "findings": model.fitted.findings.state(),
        "heat": model.fitted.heat.state(),
        "reference": {"scores": torch.from_numpy(model.fitted.reference)},
        "threshold": {"others": torch.tensor(model.fitted.threshold.others, dtype=torch.float64)},
        "content": {} if model.scans.content is None else model.scans.content.state(),
    }
    for number, encoder in enumerate(model.encoders.all):
        parts[f"encoder.{number}"] = encoder.state()
    for number, member in enumerate(model.fitted.panel.members):
        parts[f"panel.{number}"] = member.state()
    return {f"{part}.{name}": array for part, state in parts.items() for name, array in state.items()}


def _restore_report(document: Mapping[str, Any]) -> FitReport:
    patients, groups = document.get("patients", 0), tuple(document.get("groups", ()))
    return FitReport(document["images"], patients=patients, groups=groups)


def _restore(files: ModelFiles, device: torch.device) -> Model:
    document, arrays = files.document, files.arrays
    check_numbers(document, arrays)
    name, settings, packages = document["recipe"], document["settings"], document.get("packages", {})
    check_keys(settings, name)
    check_packages(settings, packages)
    panel = parse_panel(settings, name)
    usable, lacking = find_usable_measures(document["measures"], panel, packages)
    encoders = _restore_encoders(files, panel, usable, device)
    there = {key: array.to(device) for key, array in arrays.items() if key.startswith(("panel.", "findings."))}
    scales = [encoder.scales for encoder in encoders.all]
    content = select_prefix(arrays, "content.")
    measures, measure_scales = tuple(document["measures"]), scales[encoders.measures]
    fitted = Fitted(
        panel=panel.restore(select_prefix(there, "panel."), scales, document["standards"]),
        threshold=FittedThreshold(document["threshold"], document["std"], tuple(arrays["threshold.others"].tolist())),
        findings=FittedFindings.restore(select_prefix(there, "findings."), measures, measure_scales),
        heat=HeatLevels.restore(select_prefix(arrays, "heat.")),
        reference=arrays["reference.scores"].numpy(),
        report=_restore_report(document),
    )
    return Model(
        encoders,
        fitted,
        FittedScans.from_values(document, FittedContent.restore(content) if content else None),
        parse_split(settings, name),
        name,
        settings,
        document["seed"],
        document["date"],
        panel.precision,
        document.get("calibration"),
        document.get("adapted"),
        files.checksum,
        document.get("selftest"),
        lacking,
    )


def _restore_encoders(files: ModelFiles, panel: Panel, measures: Sequence[str], device: torch.device) -> OpenEncoders:
    encoders, document = panel.encoders(), files.document
    opened = OpenEncoders.restore(
        encoders,
        parse_size(document["settings"], document["recipe"]),
        device=device,
        states=[select_prefix(files.arrays, f"encoder.{number}.") for number in range(len(encoders))],
        graphs=files.graphs,
        measures=measures,
    )
    check_weights(document["encoders"], opened)
    return opened
