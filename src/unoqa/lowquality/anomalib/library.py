"""The only place that imports anomalib and Lightning: they are heavy, and an optional extra of the package."""

from __future__ import annotations

from types import SimpleNamespace

from unoqa.core.errors import UsageError
from unoqa.lowquality.anomalib.isolation import silence_libraries


def import_library() -> SimpleNamespace:
    """Return the parts of the two libraries that are used here; the first call takes seconds.

    Raises:
        UsageError: anomalib is not installed.
    """
    try:
        with silence_libraries():
            import lightning.pytorch as lightning  # noqa: PLC0415 - optional
            from anomalib.data import ImageBatch  # noqa: PLC0415 - optional
            from anomalib.models import image as models  # noqa: PLC0415 - optional
            from anomalib.models.components.sampling import k_center_greedy  # noqa: PLC0415 - optional
            from anomalib.models.image.super_add import torch_model as super_add  # noqa: PLC0415 - optional
            from anomalib.pre_processing import PreProcessor  # noqa: PLC0415 - optional
            from torchvision.transforms import v2 as transforms  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The module 'anomalib' needs the package anomalib, which cannot be imported on this machine ({error}); "
            'install it with: pip install "unoqa[peer]".'
        ) from error
    return SimpleNamespace(
        lightning=lightning,
        batch=ImageBatch,
        models=models,
        with_progress_bars=(k_center_greedy, super_add),
        pre_processor=PreProcessor,
        transforms=transforms,
    )
