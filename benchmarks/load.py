"""The service under load, and workers beside threads: what `unoqa serve` and `--executor dask` cost.

    python benchmarks/load.py [--parts service dask] [--requests 1000] [--seconds 900] [--images 200]

Everything runs on this machine, on made-up scans and a model of the recipe `measures`. The service: first all requests
come at once; then as many clients as the queue has places ask for the given time, and in the middle the service is
killed and started again. A client waits as `Retry-After` says. Workers: `unoqa grade` of five times the images (links
to the same files) on one thread, by one worker and by two. All figures depend on what else runs on the machine, so the
load average stands beside them, and the time that processors worked.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from unoqa import Recipe
from unoqa.benchmark.phantom.folder import write_phantom

RETRIES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=["service", "dask"], default=["service", "dask"])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--images", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        third = given.images // 3
        write_phantom(base, outstanding_to_fit=40, clinic=(third, third, given.images - 2 * third), seed=0)
        grader = Recipe.named("measures").fit(base / "outstanding")
        grader.settle(base / "clinic").save(base / "settled")
        images = sorted((base / "clinic").iterdir())
        alone = grade(base, images, "threads")
        if "service" in given.parts:
            sent = [(path.name, path.read_bytes()) for path in images]
            served = asyncio.run(ask_service(base, sent, given.requests, given.seconds))
            print(f"service: {served:.1f} images/s, {served / alone:.0%} of unoqa grade without heat")
        if "dask" in given.parts:
            one, two = grade(base, images, "local:1"), grade(base, images, "local:2")
            print(f"dask: one worker {alone / one - 1:+.1%} time beside threads, two workers {two / one:.2f} as fast")


def grade(base: Path, images: list[Path], who: str) -> float:
    """Return images a second of `unoqa grade`, its start and that of workers not counted: of two runs' difference."""
    shared = [] if who == "threads" else ["--executor", "dask", "--scheduler", who]
    seconds, worked = [], []
    for copies in (1, 6):
        folder = base / f"copies-{copies}"
        if not folder.exists():
            folder.mkdir()
            for copy, path in itertools.product(range(copies), images):
                os.link(path, folder / f"{copy}-{path.name}")
        results = base / f"results-{who.replace(':', '-')}-{copies}"
        command = [sys.executable, "-m", "unoqa", "grade", folder, "-m", base / "settled", "-o", results, "--no-heat",
                   "--no-report", "--alone", "--threads", "1", "-q", *shared]  # fmt: skip
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(list(map(str, command)), check=True, stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    rate = 5 * len(images) / (seconds[1] - seconds[0])
    each = 1000 * (worked[1] - worked[0]) / (5 * len(images))
    print(
        f"unoqa grade, {who}: {rate:.1f} images/s, {each:.1f} ms of processors an image (runs of {seconds[0]:.1f} and "
        f"{seconds[1]:.1f} s); load average {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return rate


class Service:
    """A service that can be killed and started again on the same port."""

    def __init__(self, base: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._base = base
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "unoqa", "serve", "-m", self._base / "settled", "--port", self.port,
                   "--batches", self._base / "batches", "--threads", "1"]  # fmt: skip
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def memory(self) -> float:
        """Return the megabytes that it holds now; Linux only."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024


async def ask_service(base: Path, images: list, requests: int, seconds: float) -> float:
    service = Service(base)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=service.address, timeout=300, limits=limits) as client:
        await ready(client)
        expected = {name: (await send(client, (name, data), Counter()))[1] for name, data in images}
        seen: Counter = Counter()
        started = time.perf_counter()
        work = [send(client, images[number % len(images)], seen) for number in range(requests)]
        answers = await asyncio.gather(*work)
        rate = tell(f"{requests} at once", answers, time.perf_counter() - started, seen, expected, service)
        seen.clear()
        ends = time.perf_counter() + seconds
        killing = asyncio.create_task(kill_once(service, seconds / 2))
        started = time.perf_counter()
        clients = [saturate(client, images, number, ends, seen) for number in range(64)]
        answers = [one for some in await asyncio.gather(*clients) for one in some]
        await killing
        tell(f"{seconds:.0f} s at saturation", answers, time.perf_counter() - started, seen, expected, service)
    service.process.send_signal(signal.SIGTERM)
    service.process.wait()
    return rate


async def saturate(client: httpx.AsyncClient, images: list, number: int, ends: float, seen: Counter) -> list:
    answers = []
    while time.perf_counter() < ends:
        answers.append(await send(client, images[number % len(images)], seen))
        number += 64
    return answers


async def send(client: httpx.AsyncClient, image: tuple, seen: Counter) -> tuple:
    """Ask until there is an answer; return the image's name, the answer and the seconds of the request that got it."""
    for _ in range(RETRIES):
        started = time.perf_counter()
        try:
            answer = await client.post("/v1/grade", files={"file": image})
        except httpx.TransportError:
            seen["no answer"] += 1
            await asyncio.sleep(1)
            continue
        seen[answer.status_code] += 1
        if answer.status_code not in (429, 503):
            return image[0], answer.json(), time.perf_counter() - started
        await asyncio.sleep(float(answer.headers["Retry-After"]))
    raise TimeoutError


async def kill_once(service: Service, after: float) -> None:
    await asyncio.sleep(after)
    print(f"killed, holding {service.memory():.0f} MB", flush=True)
    service.process.kill()
    service.process.wait()
    service.start()


async def ready(client: httpx.AsyncClient) -> None:
    while True:
        try:
            if (await client.get("/readyz")).is_success:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)


def tell(what: str, answers: list, took: float, seen: Counter, expected: dict, service: Service) -> float:
    wrong = sum(answer != expected[name] for name, answer, _ in answers)
    times = statistics.quantiles([seconds for _, _, seconds in answers], n=100)
    rate = len(answers) / took
    print(
        f"{what}: {len(answers)} answers in {took:.1f} s, {rate:.1f} images/s, {wrong} wrong; p50 {times[49]:.2f} s, "
        f"p99 {times[98]:.2f} s; statuses {dict(seen)}; {service.memory():.0f} MB; load average "
        f"{os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return rate


if __name__ == "__main__":
    main()
