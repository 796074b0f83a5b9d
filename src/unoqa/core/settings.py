"""Settings of a choice: a frozen dataclass that checks types and ranges when it is created."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic.dataclasses import is_pydantic_dataclass

from unoqa.core.errors import UsageError, unknown_name_error

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def settings(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, keyword-only dataclass that checks its values and rejects unknown keys."""
    decorate = checked_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
    return decorate(cls)  # type: ignore[return-value]


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Create settings from plain values, as read from a recipe.

    Args:
        cls: the class of the settings.
        values: by the name of the setting.
        where: what the values belong to, for error messages, such as `recipe 'site.toml', threshold`.

    Raises:
        UsageError: a key does not exist (the message suggests the nearest), or a value is out of range.
    """
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise unknown_name_error(f"setting of {where}", key, known)
    try:
        return TypeAdapter(cls).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"Setting '{place}' of {where} is {first.get('input')!r}: {first['msg'].lower()}.") from error


def check_settings(cls: type, where: str) -> None:
    """Check that a class was made by `settings`.

    Raises:
        UsageError: it was not.
    """
    if not is_pydantic_dataclass(cls):
        raise UsageError(f"The class {cls.__name__} of {where} has no settings; write @settings above it.")


def to_plain(value: object) -> dict[str, Any]:
    """Convert settings to plain values that TOML and JSON can hold; `build` reads them back."""
    return TypeAdapter(type(value)).dump_python(value, mode="json", exclude_none=True)
