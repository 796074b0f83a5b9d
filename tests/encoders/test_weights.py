"""Errors about weights: an unknown name is quoted; the connection is blamed only if the download failed."""

from __future__ import annotations

import pytest

from unoqa.core.errors import UsageError
from unoqa.encoders.parts.weights import download_weights, find_cached_weights


@pytest.mark.parametrize("find", [find_cached_weights, download_weights])
def test_the_error_for_an_unknown_tag_lists_the_tags_of_the_model(find):
    known = r"Known: resnet18\.a1_in1k, .*resnet18\.tv_in1k\.$"
    with pytest.raises(UsageError, match=rf"^There is no timm model 'resnet18\.tv_in2k'; did you mean .*{known}"):
        find("resnet18.tv_in2k")


def test_a_model_without_weights_does_not_blame_the_connection():
    with pytest.raises(UsageError) as error:
        download_weights("resnet81")
    assert str(error.value) == "timm offers no weights for resnet81; give the full name, such as resnet18.tv_in1k."
