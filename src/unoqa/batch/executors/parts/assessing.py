"""How a worker process assesses images of files, on this machine or another: it loads the models once.

What travels is plain: numbers, texts and bytes. A worker that is not as the driver needs it says so in a `Refusal`.
"""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.batch.executors.parts.refusal import Refusal, answer_or_refuse
from unoqa.batch.worker import Task, Worker, write_overlay
from unoqa.core.errors import UnoqaError
from unoqa.core.facts import Fact, Facts
from unoqa.formats import ImageReference
from unoqa.grader.choice_of_model import Models
from unoqa.grader.open_encoders import library_versions
from unoqa.grader.privacy import Privacy
from unoqa.grader.source import open_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.assessment import Assessment, Failure

RAW = Privacy(keep_identifiers=True, keep_dates=True)
"""Workers hash nothing, since the key lies with the driver, which hashes what comes back before it is recorded."""


@final
@dataclass(frozen=True)
class Job:
    """What all images of a run have in common.

    Attributes:
        versions: of unoqa and of the libraries that scores depend on, as the driver has them.
        models: folders of the models.
        checksum: of the models.
        device: that encoders run on.
        all_findings: whether outstanding images get findings too.
        probe: a file in the results folder: a worker that sees it writes overlays itself.
    """

    versions: dict[str, str]
    models: tuple[str, ...]
    checksum: str
    device: str
    all_findings: bool
    probe: str

    @classmethod
    def of(cls, worker: Worker, probe: Path) -> Job:
        """Return the job of a run."""
        models = worker.models
        device = str(models.graders[0].grader.encoders.device)
        folders = tuple(map(str, models.folders))
        return cls(library_versions(), folders, models.checksum, device, worker.all_findings, str(probe))


@final
@dataclass(frozen=True)
class Order:
    """One image to assess: the plain form of a `Task`.

    Attributes:
        declared: what a manifest says: name, value and source of each fact.
        heat: file of the overlay; empty if none is wanted.
    """

    name: str
    path: str
    page: int
    declared: tuple[tuple[str, str, str], ...]
    digest: str | None
    heat: str

    @classmethod
    def of(cls, task: Task) -> Order:
        """Return the order for a task."""
        image = task.image
        declared = tuple((name, fact.value, fact.source) for name, fact in image.facts.known())
        heat = "" if task.heat is None else str(task.heat.absolute())
        return cls(image.name, image.path, image.page, declared, task.digest, heat)

    def open(self) -> Task:
        """Return the task."""
        facts = Facts(**{name: Fact(value, source) for name, value, source in self.declared})
        image = open_image(ImageReference(self.name, Path(self.path), self.page), RAW, facts)
        return Task(image, self.digest, Path(self.heat) if self.heat else None)


@final
@dataclass(frozen=True)
class Delivery:
    """What became of an image.

    Attributes:
        missing: whether the worker does not see its file.
        overlay: as PNG, if the worker could not write it itself.
    """

    result: Assessment | Failure | None
    missing: bool = False
    overlay: bytes | None = None


def lack_models(folders: Sequence[str]) -> bool:
    """Tell whether this worker lacks one of the models' folders."""
    return not all(Path(folder).is_dir() for folder in folders)


def assess_images(orders: Sequence[Order], job: Job, bundle: bytes | None) -> list[Delivery] | Refusal:
    """Assess images, one after the other.

    Args:
        bundle: the models as `pack_models` packs them; None if every worker sees their folders.
    """

    def work() -> list[Delivery]:
        worker = Worker(_load(job, bundle), job.all_findings, RAW)
        return [_assess(worker, order, shared=Path(job.probe).is_file()) for order in orders]

    return answer_or_refuse(job.versions, work)


def _assess(worker: Worker, order: Order, *, shared: bool) -> Delivery:
    if not Path(order.path).exists():
        return Delivery(None, missing=True)
    task = order.open()
    result, overlay = worker.assess(task)
    if overlay is None or task.heat is None:
        return Delivery(result)
    try:
        if shared:
            write_overlay(task.heat, overlay)
            return Delivery(result)
    except OSError:  # the driver writes it, and says what is wrong with the folder if it cannot
        pass
    return Delivery(result, overlay=overlay)


def pack_models(folders: Sequence[Path]) -> bytes:
    """Return model folders as one ZIP archive; nothing is compressed, since weights hardly shrink."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number, folder in enumerate(folders):
            for path in sorted(folder.rglob("*")):
                archive.write(path, f"{number}/{path.relative_to(folder).as_posix()}")
    return file.getvalue()


_loaded: dict[str, Models] = {}
"""The models of this process, by their checksum: loaded once, whatever the number of partitions."""

_loading = threading.Lock()


def _load(job: Job, bundle: bytes | None) -> Models:
    with _loading:
        if job.checksum not in _loaded:
            folders = [Path(folder) for folder in job.models]
            if not all(folder.is_dir() for folder in folders) and bundle is not None:
                folders = _unpack(bundle, len(folders))
            models = Models.load(folders, device=job.device)
            if models.checksum != job.checksum:
                raise UnoqaError(f"it finds another model in {', '.join(job.models)}; make it the same everywhere")
            _loaded[job.checksum] = models
        return _loaded[job.checksum]


def _unpack(bundle: bytes, count: int) -> list[Path]:
    """Unpack models into a temporary folder, which lives as long as the process."""
    target = Path(tempfile.mkdtemp(prefix="unoqa-"))
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        archive.extractall(target)
    return [target / str(number) for number in range(count)]
