"""The software bill of materials: what is installed that unoqa may run, as CycloneDX 1.6 JSON (ECMA-424)."""

from __future__ import annotations

import json
import re
import uuid
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from unoqa.store.files import write_text
from unoqa.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "unoqa"

LEFT_OUT = ("dev", "docs")
"""Extras of tools that grading never runs."""


def write_bill(file: Path) -> None:
    """Write the bill of this environment to a file."""
    write_text(file, json.dumps(make_bill(), indent=2) + "\n")


def make_bill() -> dict[str, Any]:
    """Return the bill of this environment: unoqa, what it needs, and the extras that are installed."""
    needed: dict[str, list[str]] = {}
    waiting = [ROOT]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = sorted(_list_needed(name))
            waiting += needed[name]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, repr(sorted(map(_refer, needed))))}",
        "version": 1,
        "metadata": {"component": _describe(ROOT) | {"type": "application"}},
        "components": [_describe(name) for name in sorted(needed) if name != ROOT],
        "dependencies": [
            {"ref": _refer(name), "dependsOn": list(map(_refer, needed[name]))} for name in sorted(needed)
        ],
    }


def _list_needed(package: str) -> set[str]:
    """Return the installed packages that one requires; of extras, those of unoqa itself."""
    found = set()
    for requirement in distribution(package).requires or ():
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", requirement)
        if extra is None or (package == ROOT and extra[1] not in LEFT_OUT):
            name = re.match(r"[\w.-]+", requirement)
            if name is not None and _is_installed(name[0]):
                found.add(_normalise(name[0]))
    return found - {_normalise(package)}


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _normalise(name: str) -> str:
    """Return a name as the package index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _refer(name: str) -> str:
    return f"pkg:pypi/{name}@{_find_version(name)}"


def _find_version(name: str) -> str:
    """Return the version that runs: what was installed of unoqa may be a link to files that have changed since."""
    return __version__ if name == ROOT else distribution(name).version


def _describe(name: str) -> dict[str, Any]:
    told = {
        "type": "library",
        "bom-ref": _refer(name),
        "name": name,
        "version": _find_version(name),
        "purl": _refer(name),
    }
    return told | _find_licence(name)


def _find_licence(package: str) -> dict[str, Any]:
    """Return the licence that the package states of itself: an expression, a classifier, or its own words."""
    if expression := _read(package, "License-Expression"):
        return {"licenses": [{"expression": expression[0]}]}
    classified = [one.rsplit(" :: ", 1)[1] for one in _read(package, "Classifier") if one.startswith("License ::")]
    words = classified or [line for text in _read(package, "License") for line in text.strip().splitlines()[:1]]
    return {"licenses": [{"license": {"name": one}} for one in words]} if words else {}


def _read(package: str, field: str) -> list[str]:
    return distribution(package).metadata.get_all(field) or []
