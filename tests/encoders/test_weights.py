"""A name that timm does not know is told by name; the connection is blamed only where it is to blame."""

from __future__ import annotations

import pytest

from unoqa.core.errors import UsageError
from unoqa.encoders.parts.weights import cached_weights, download_weights


@pytest.mark.parametrize("ask", [cached_weights, download_weights])
def test_a_tag_that_a_model_does_not_have_is_answered_by_those_it_has(ask):
    known = r"Known: resnet18\.a1_in1k, .*resnet18\.tv_in1k\.$"
    with pytest.raises(UsageError, match=rf"^There is no timm model 'resnet18\.tv_in2k'; did you mean .*{known}"):
        ask("resnet18.tv_in2k")


def test_a_model_without_weights_does_not_blame_the_connection():
    with pytest.raises(UsageError) as error:
        download_weights("resnet81")
    assert str(error.value) == "timm offers no weights for resnet81; name its full tag, such as resnet18.tv_in1k."
