"""A kept set of images, graded again: is every score, finding and grade still what it was?"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.benchmark.parts.grading import grade_together
from unoqa.core.assessment import Failure
from unoqa.core.errors import ResultsError, UsageError
from unoqa.grader.open_encoders import library_versions
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from unoqa.core.grading import Grading
    from unoqa.core.progress import Progress
    from unoqa.grader.grader import Grader, SettledGrader
    from unoqa.grader.source import ImageSource

ENDING = ".expected.json"
"""What the file of expected grades has after the name of the folder beside which it lies."""

TOLERANCE = 1e-4
"""Difference of a number, absolute or relative, that another processor or library may make in single precision."""

CPU_FILE = Path("/proc/cpuinfo")
"""Where Linux names the processor."""

Values = Mapping[str, Any]
"""Plain values, as JSON has them."""


@final
@dataclass(frozen=True)
class Difference:
    """One thing that is not as expected.

    Attributes:
        what: that has moved, such as `score`; `pixels` if the image itself is another.
    """

    image: str
    what: str
    expected: Any
    found: Any

    @property
    def is_rounding(self) -> bool:
        """Whether it is a number that differs by no more than processors do."""
        numbers = (self.expected, self.found)
        if not all(isinstance(one, float) for one in numbers):
            return False
        return math.isclose(*numbers, rel_tol=TOLERANCE, abs_tol=TOLERANCE)

    def __str__(self) -> str:
        return f"{self.image}: {self.what} was {_write(self.expected)} and is {_write(self.found)}"


@final
@dataclass(frozen=True)
class Check:
    """What became of a kept set.

    Attributes:
        images: how many there are.
        differences: all that is not as expected, image by image.
        machines: what is another on this machine than on the one that wrote the expected grades, in words.
    """

    images: int
    differences: tuple[Difference, ...]
    machines: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether nothing differs, or only what another machine may round otherwise."""
        return not self.differences or self.is_rounding

    @property
    def is_rounding(self) -> bool:
        """Whether another machine explains all differences."""
        return bool(self.differences) and bool(self.machines) and all(one.is_rounding for one in self.differences)

    def describe(self) -> str:
        """Say it in a sentence."""
        if not self.differences:
            return f"All {self.images} images are graded as expected, to the last bit."
        moved = len({one.image for one in self.differences})
        if self.is_rounding:
            return (
                f"All {self.images} images have the expected grades and findings; numbers of {moved} of them differ by "
                f"less than {TOLERANCE:g}, as they may where {'; '.join(self.machines)}."
            )
        first = next((one for one in self.differences if not one.is_rounding), self.differences[0])
        machines = f" Beside that, {'; '.join(self.machines)}." if self.machines else ""
        return f"{moved} of {self.images} images are not graded as expected. {first}.{machines}"


def grade_sentinel(
    model: Grader | SettledGrader, source: ImageSource, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Grade a kept set, and return what is to be expected of it as plain values.

    Raises:
        CohortError: the model is not settled, and there are fewer than 10 images.
        UsageError: two images have one name.
    """
    names = [image.name for image in source.images]
    if len(set(names)) < len(names):
        raise UsageError("Two images of the kept set have one name; rename one of them.")
    gradings = grade_together(model, source, progress=progress).gradings
    digests = [image.apply(lambda one: one.digest()) for image in source.images]
    return {
        "model": model.grader.model.checksum,
        "machine": {
            "processor": _name_processor(),
            "device": str(model.grader.encoders.device),
            **library_versions(),
        },
        "images": {
            grading.image: {"pixels": None if isinstance(digest, Failure) else digest, **_to_values(grading)}
            for grading, digest in zip(gradings, digests, strict=True)
        },
    }


def write_expected(path: Path, expected: Values) -> None:
    """Write what is expected of a kept set."""
    write_text(path, json.dumps(expected, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def compare(path: Path, found: Values) -> Check:
    """Compare what was found with what a file says is expected.

    Raises:
        ResultsError: the file is not one of expected grades.
        UsageError: another model wrote it.
    """
    try:
        expected = json.loads(path.read_text(encoding="utf-8"))
        images, machine, model = expected["images"], expected["machine"], expected["model"]
        differences = tuple(_compare_images(images, found["images"]))
        machines = tuple(_compare_machines(machine, found["machine"]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ResultsError(
            f"{path} holds no expected grades ({type(error).__name__}: {error}); name another file (--expected), or "
            "write it anew (--renew)."
        ) from error
    if model != found["model"]:
        raise UsageError(
            f"{path} holds what another model ({model[:12]}) gave; name that model (-m), another file (--expected), or "
            "write it anew (--renew)."
        )
    return Check(len(found["images"]), differences, machines)


def _to_values(grading: Grading) -> dict[str, Any]:
    return {
        "grade": None if grading.grade is None else grading.grade.word,
        "score": grading.score,
        "certainty": grading.certainty,
        "percentile": grading.percentile,
        "error": grading.error.partition(": ")[0],
        "out_of_scope": grading.out_of_scope,
        **{
            f"finding {number}, {key}": value
            for number, finding in enumerate(grading.findings, 1)
            for key, value in asdict(finding).items()
        },
    }


def _compare_images(expected: Values, found: Values) -> Iterator[Difference]:
    for name in dict.fromkeys((*expected, *found)):
        if name not in found or name not in expected:
            there, here = ("there", "missing") if name in expected else ("unknown", "there")
            yield Difference(name, "the image", there, here)
            continue
        old, new = expected[name], found[name]
        for key in dict.fromkeys((*old, *new)):
            if old.get(key) != new.get(key):
                yield Difference(name, key, old.get(key), new.get(key))


def _compare_machines(expected: Values, found: Values) -> Iterator[str]:
    for key in dict.fromkeys((*expected, *found)):
        if expected.get(key) != found.get(key):
            yield f"{key} was {expected.get(key, 'not there')} and is {found.get(key, 'not there')}"


def _name_processor() -> str:
    """Return the processor's name as the system tells it."""
    text = CPU_FILE.read_text(encoding="utf-8") if CPU_FILE.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def _write(value: Any) -> str:  # noqa: ANN401 - whatever a grading holds
    return repr(value) if isinstance(value, float) else "none" if value in (None, "") else str(value)
