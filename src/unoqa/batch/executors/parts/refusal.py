"""What every worker process checks before it works, on this machine or another, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, final

from unoqa.core.errors import UnoqaError
from unoqa.core.parallel import limit_to_one_thread
from unoqa.grader.open_encoders import library_versions

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


@final
@dataclass(frozen=True)
class Refusal:
    """Why a worker cannot do its part.

    Attributes:
        worker: its address.
        final: whether nothing but a change of the worker helps; else others may do its work.
    """

    worker: str
    sentence: str
    final: bool


def answer_or_refuse(versions: dict[str, str], work: Callable[[], Answer]) -> Answer | Refusal:
    """Return what the work gives on one thread, or why this worker cannot do it.

    Args:
        versions: of unoqa and of the libraries that scores depend on, as the driver has them.
    """
    from distributed import get_worker  # noqa: PLC0415 - of an extra; here it is loaded already

    address = get_worker().address
    if versions != library_versions():
        return Refusal(address, compare_versions(versions, library_versions()), final=True)
    try:
        with limit_to_one_thread():
            return work()
    except UnoqaError as error:
        return Refusal(address, str(error).rstrip("."), final=True)
    except OSError as error:  # such as a full disk, where the models are to be unpacked
        return Refusal(address, f"{error.filename or 'its disk'}: {error.strerror}", final=False)


def compare_versions(driver: dict[str, str], worker: dict[str, str]) -> str:
    """Return the sentence about versions that differ."""
    name = next(one for one in driver if driver[one] != worker.get(one))
    other = worker.get(name, "none")
    return f"it has {name} {other}, and this machine {driver[name]}; install the same versions on both"
