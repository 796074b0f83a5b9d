"""Which scans a model is for, by what is known of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unoqa import EnfaceImage
from unoqa.core.errors import ImageError
from unoqa.core.facts import Fact, Facts
from unoqa.grader.scope import ANY, Scope

KINDS = {"device": ("Cirrus",), "field_of_view": ("6 × 6", "3 × 3")}


def make_facts(**values):
    return Facts(**{key: Fact(value, "manifest") for key, value in values.items()})


@pytest.mark.parametrize(
    ("facts", "slab", "other"),
    [
        ({}, "superficial", ""),
        ({"slab": "superficial plexus"}, "superficial", ""),
        ({"slab": "deep"}, "superficial", "slab"),
        ({"slab": "deep"}, ANY, ""),
        ({"slab": "structural superficial"}, "superficial", "slab"),
        ({"slab": "superficial"}, "structural superficial", "slab"),
        ({"slab": "structural deep"}, "structural", ""),
        ({"device": "Carl Zeiss Meditec CIRRUS"}, "superficial", ""),
        ({"device": "Triton"}, "superficial", "device"),
        ({"field_of_view": "3 x 3"}, "superficial", ""),
        ({"field_of_view": "12 × 12", "device": "Cirrus"}, "superficial", "field_of_view"),
        ({"modality": "OPTBSV", "slab": "deep"}, "superficial", "modality"),
        ({"modality": "OPTENF"}, "superficial", ""),
    ],
)
@pytest.mark.requirement("R10")
def test_a_scan_is_another_where_a_known_fact_differs(facts, slab, other):
    assert Scope(slab, KINDS).find_other(make_facts(**facts)) == other


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"slab": "structural deep"}, "structural", "has the slab 'structural deep' by manifest"),
        (
            {"slab": "deep"},
            "other-slab",
            "the model is for 'superficial'; grade it with a model of such scans (fit takes the slab).",
        ),
        ({"field_of_view": "12 × 12"}, "other-field-of-view", "the model is for '6 × 6' or '3 × 3'"),
        ({"modality": "OPTBSV"}, "other-modality", "has the modality 'OPTBSV' by manifest, which holds no OCTA"),
    ],
)
@pytest.mark.requirement("R10")
def test_the_sentence_says_what_is_another_and_what_to_do(facts, code, words):
    image = EnfaceImage("scan.dcm", np.zeros((90, 90), dtype=np.float32), facts=make_facts(**facts))
    with pytest.raises(ImageError, match=r"scan\.dcm") as caught:
        Scope("superficial", KINDS).check(image)
    assert (caught.value.code, caught.value.scope) == ("out-of-scope", code)
    assert words in str(caught.value)


def test_an_old_model_without_a_slab_takes_every_slab(grader):
    settings = {key: value for key, value in grader.model.settings.items() if key != "slab"}
    assert replace(grader.model, settings=settings).scope.slab == ANY
    assert grader.model.scope.slab == "superficial"
