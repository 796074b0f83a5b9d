"""The door to anomalib and Lightning: an extra of the package, heavy, and imported by nothing else."""

from __future__ import annotations

from types import SimpleNamespace

from unoqa.core.errors import UsageError
from unoqa.lowquality.anomalib.isolation import quiet


def library() -> SimpleNamespace:
    """Return what is used of the two; the first time takes seconds.

    Raises:
        UsageError: anomalib is not installed.
    """
    try:
        with quiet():
            import lightning.pytorch as lightning  # noqa: PLC0415 - optional
            from anomalib.data import ImageBatch  # noqa: PLC0415 - optional
            from anomalib.models import image as models  # noqa: PLC0415 - optional
            from anomalib.models.components.sampling import k_center_greedy  # noqa: PLC0415 - optional
            from anomalib.models.image.super_add import torch_model as super_add  # noqa: PLC0415 - optional
            from anomalib.pre_processing import PreProcessor  # noqa: PLC0415 - optional
            from torchvision.transforms import v2 as transforms  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The module 'anomalib' needs the package of that name, which is not whole on this machine ({error}); "
            'install it by: pip install "unoqa[peer]".'
        ) from error
    return SimpleNamespace(
        lightning=lightning,
        batch=ImageBatch,
        models=models,
        drawing_bars=(k_center_greedy, super_add),
        pre_processor=PreProcessor,
        transforms=transforms,
    )
