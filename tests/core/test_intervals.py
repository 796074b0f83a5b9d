from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from unoqa.core.intervals import Share


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_is_that_of_scipy(counts):
    count, total = counts
    theirs = binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert Share(count, total).interval == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_plain_values_are_of_json():
    values = Share(8, 10).to_values()
    assert (values["count"], values["total"], values["value"]) == (8, 10, 0.8)
    assert (values["low"], values["high"]) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Share(0, 0).to_values() == {"count": 0, "total": 0, "value": None, "low": None, "high": None}


def test_a_share_of_nothing_is_not_a_number():
    assert math.isnan(Share(0, 0).value)
    assert all(map(math.isnan, Share(0, 0).interval))
