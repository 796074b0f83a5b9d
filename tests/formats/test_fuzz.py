"""A slice of `make fuzz`: a damaged file is an image or has an error, and a checksum lets no damage through."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzing.child import is_damaged
from fuzzing.mutations import mutate
from fuzzing.samples import CHECKED, WRITERS, draw_scan
from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS, collect, read

OUTPUTS = Path(__file__).parents[2] / "docs" / "outputs.md"
CODES = frozenset(re.findall(r"^\| `([a-z-]+)` \|", OUTPUTS.read_text(encoding="utf-8"), re.MULTILINE))


SLICE = settings(
    max_examples=60, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@cache
def write_sound(kind):
    return WRITERS[kind](draw_scan())


@pytest.mark.parametrize("kind", WRITERS)
@settings(
    max_examples=60, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_damaged_file_is_accounted_for(kind, seed, tmp_path):
    path = tmp_path / f"scan{FORMATS.load(kind.split()[0]).suffixes[0]}"
    path.write_bytes(write_sound(kind))
    sound = read(collect([path]).references[0]).pixels
    path.write_bytes(mutate(write_sound(kind), seed))
    references = collect([path]).references
    assert references
    for reference in references:
        try:
            image = read(reference)
        except ImageError as error:
            assert error.code in CODES
            assert reference.name in str(error)
        else:
            assert kind not in CHECKED or not is_damaged(image.pixels, sound)


def test_the_same_seed_gives_the_same_damage():
    data = write_sound("png")
    assert mutate(data, 5) == mutate(data, 5) != mutate(data, 13) != data
