"""What the service answers, as its OpenAPI description shows it."""

from __future__ import annotations

from typing import Any, Literal, final

from pydantic import BaseModel

from unoqa.core.findings import Finding


@final
class Error(BaseModel):
    """Why a request was not answered, in one sentence."""

    error: str


@final
class GradedImage(BaseModel):
    """One image: the columns of grades.csv, whether a person should look, and its findings.

    On request its heat overlay, as PNG in base64.
    """

    image: str
    grade: Literal["outstanding", "gradable", "ungradable"] | None
    grade_code: int | None
    score: float | None
    threshold: float | None
    certainty: float | None
    reasons: list[str]
    error: str
    percentile: float | None
    out_of_scope: str
    unsure: bool
    findings: list[Finding]
    warnings: list[str] = []
    heat: str | None = None


@final
class BatchState(BaseModel):
    """How far a batch is."""

    batch: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    error: str


@final
class ServedModel(BaseModel):
    """A model that is served."""

    name: str
    checksum: str
    recipes: list[str]


def describe_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of answers that are errors."""
    return {status: {"model": Error} for status in statuses}
