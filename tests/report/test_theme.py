"""Whoever cannot tell some colours apart, or reads in the dark, still reads the grades."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from unoqa.report.assets import hash_inline, read_asset

VISION = {  # Machado, Oliveira and Fernandes 2009, severity 1
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}

TEXT = ("text", "muted", "outstanding", "gradable-ink", "ungradable", "no-grade", "accent")


def colour(name, mode):
    light, dark = re.search(rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\)", read_asset("theme.css")).groups()
    chosen = light if mode == "light" else dark
    return np.array([int(chosen[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(srgb):
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def seen(srgb, matrix):
    light = np.clip(np.asarray(matrix) @ linear(srgb), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def contrast(first, second):
    """WCAG 2.1, contrast ratio."""
    dark, light = sorted(linear(one) @ [0.2126, 0.7152, 0.0722] for one in (first, second))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_grades_are_told_apart(mode, vision):
    grades = [seen(colour(name, mode), VISION[vision]) for name in ("outstanding", "gradable", "ungradable")]
    for first, second in itertools.combinations(grades, 2):
        assert deltaE_ciede2000(rgb2lab(first[None, None]), rgb2lab(second[None, None])).item() > 15


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "surface", "raised"])
@pytest.mark.parametrize("name", TEXT)
def test_words_stand_out_from_their_ground(mode, ground, name):
    assert contrast(colour(name, mode), colour(ground, mode)) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_marks_stand_out_from_their_ground(mode):
    assert contrast(colour("gradable", mode), colour("surface", mode)) >= 3


def test_a_script_is_allowed_by_its_hash():
    """The example of Content Security Policy Level 3, section 2.3.1 has no digest; this one is openssl's."""
    assert hash_inline("alert(1)") == "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
