"""Pieces run side by side: results in order, as many at a time as torch has threads, cancelled if no longer wanted."""

import sys
import threading
import time
import warnings
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress

import pytest
import torch

from unoqa.core.parallel import (
    MAX_NESTED_THREADS,
    get_own_threads,
    ignore_warnings,
    limit_to_one_thread,
    map_in_order,
    raise_if_cancelled,
    set_own_threads,
)


@pytest.fixture(params=[1, 2, 3], autouse=True)
def threads(request, torch_threads):
    """Give torch this number of threads, and check afterwards that it is unchanged, also for threads to come."""
    torch_threads(request.param)
    yield request.param
    assert (torch.get_num_threads(), in_new_thread(torch.get_num_threads)) == (request.param, request.param)


def in_new_thread(function):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


def run(function, items):
    with map_in_order(function, items) as results:
        return list(results)


def test_results_come_in_the_order_of_the_items():
    def slow_first(number):
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    assert run(slow_first, range(20)) == [number * number for number in range(20)]


def test_each_piece_has_one_thread_of_torch():
    assert set(run(lambda _: torch.get_num_threads(), range(8))) == {1}


def test_a_product_has_the_same_bits_whatever_the_number_of_threads(threads, torch_threads):
    torch.manual_seed(0)
    left, right = torch.randn(257, 401), torch.randn(401, 129)
    products = run(lambda pair: pair[0] @ pair[1], [(left, right)] * 5)
    torch_threads(1)
    alone = left @ right
    torch_threads(threads)
    assert all(torch.equal(product, alone) for product in products)


def test_no_more_pieces_run_at_a_time_than_torch_has_threads_even_if_nested(threads):
    running, most, guard = 0, 0, threading.Lock()

    def counted(_):
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with guard:
            running -= 1
        return 1

    assert sum(run(lambda _: sum(run(counted, range(4))), range(4))) == 16
    assert most == threads


def test_a_nested_call_has_few_threads_on_a_large_machine(threads, torch_threads):
    torch_threads(32)
    names, guard = set(), threading.Lock()

    def named(_):
        with guard:
            names.add(threading.get_ident())
        time.sleep(0.001)

    run(lambda _: run(named, range(100)), [0])
    torch_threads(threads)
    assert 1 < len(names) <= MAX_NESTED_THREADS


def test_items_are_read_only_as_results_are_taken_so_that_memory_stays_flat(threads):
    taken = 0

    def items():
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    with map_in_order(lambda number: number, items()) as results:
        assert next(results) == 0
        assert taken <= 2 * threads


def test_an_error_is_raised_in_order_and_later_pieces_do_not_start(threads):
    begun = []

    def failing(number):
        begun.append(number)
        if number == 3:
            raise ValueError("the fourth")
        return number

    seen = []
    with pytest.raises(ValueError, match="the fourth"), map_in_order(failing, range(50)) as results:
        seen.extend(results)
    assert seen == [0, 1, 2]
    assert set(begun) >= {0, 1, 2, 3}
    assert len(begun) <= 4 + 2 * threads


def test_a_long_piece_ends_when_its_caller_leaves_the_context():
    ended = threading.Event()

    def endless(number):
        if number == 0:
            return number
        try:
            while True:
                raise_if_cancelled()
                time.sleep(0.001)
        except CancelledError:
            ended.set()
            raise

    with map_in_order(endless, range(2)) as results:
        assert next(results) == 0
        time.sleep(0.05)
    assert ended.is_set()


def test_pieces_that_wait_for_a_slot_end_when_the_piece_that_holds_it_fails(threads):
    begun = []

    def items():
        yield from range(threads)
        time.sleep(0.05)  # until nested pieces wait for slots, which the outer pieces hold
        raise ValueError("no more")

    def outer(_):
        return run(begun.append, items())

    with pytest.raises(ValueError, match="no more"):
        run(outer, range(threads))


def test_an_error_of_one_piece_ends_the_others_and_is_raised_at_once(threads):
    def fail_last(number):
        if number == threads - 1:
            raise ValueError("diverged")
        while True:
            raise_if_cancelled()
            time.sleep(0.001)

    def outer(_):
        return run(fail_last, range(threads))

    for whole in (lambda: outer(0), lambda: run(outer, range(1))):
        with pytest.raises(ValueError, match="diverged"):
            whole()


def test_outside_of_map_in_order_nothing_is_cancelled():
    raise_if_cancelled()


class Caller:
    """A thread that makes one call: it enters the call, and leaves it, when told to."""

    def __init__(self, fails):
        self._fails = fails
        self._executor = ThreadPoolExecutor(1)
        self._steps = self._call()

    def step(self):
        return self._executor.submit(next, self._steps, None).result()

    def end(self):
        number = self._executor.submit(torch.get_num_threads).result()
        self._executor.shutdown()
        return number

    def _call(self):
        with suppress(ArithmeticError), map_in_order(lambda _: torch.get_num_threads(), range(6)) as results:
            first = next(results)
            yield [first, torch.get_num_threads()]
            if self._fails:
                raise ArithmeticError
            assert set(results) == {1}


@pytest.mark.parametrize("failing", ["", "a", "b", "ab"])
@pytest.mark.parametrize("order", ["aabb", "abab", "abba", "abcabc", "abccba", "abacbc"])
def test_overlapping_calls_leave_the_number_of_threads_as_it_was(order, failing, threads):
    callers = {name: Caller(fails=name in failing) for name in sorted(set(order))}
    entered = set()
    for name in order:
        inside = callers[name].step()
        assert inside == (None if name in entered else [1, 1])
        entered.add(name)
        assert (torch.get_num_threads(), in_new_thread(get_own_threads)) == (threads, threads)
    assert [caller.end() for caller in callers.values()] == [threads] * len(callers)


def test_many_calls_at_once_leave_the_number_of_threads_as_it_was(threads):
    def call(_):
        return [run(lambda _: run(lambda _: torch.get_num_threads(), range(2)), range(2)) for _ in range(10)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(6) as executor:
            found = list(executor.map(call, range(6)))
            assert set(executor.map(lambda _: get_own_threads(), range(30))) == {threads}
    finally:
        sys.setswitchinterval(interval)
    assert found == [[[[1, 1], [1, 1]]] * 10] * 6


def test_a_thread_keeps_its_own_number(threads):
    def call():
        set_own_threads(5)
        seen = [get_own_threads()]
        with limit_to_one_thread():
            seen.append(get_own_threads())
        with pytest.raises(ArithmeticError), limit_to_one_thread():
            raise ArithmeticError
        return [*seen, get_own_threads(), *run(lambda _: get_own_threads(), range(3)), get_own_threads()]

    assert in_new_thread(call) == [5, 1, 5, 1, 1, 1, 5]
    assert get_own_threads() == threads


def test_overlapping_calls_that_ignore_warnings_leave_the_filters_as_they_were():
    before = list(warnings.filters)
    inside = threading.Event()

    def warn(seconds):
        with ignore_warnings(UserWarning):
            inside.set()
            time.sleep(seconds)
            warnings.warn("ignored", UserWarning, stacklevel=1)

    with ThreadPoolExecutor(2) as executor:
        first = executor.submit(warn, 0.05)
        inside.wait()
        second = executor.submit(warn, 0.1)
        first.result()
        second.result()
    assert warnings.filters == before
