"""Workers of Dask, in processes of their own on loopback: whatever happens to them, no result changes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import one_run
import unoqa
from cluster import During, end, start
from one_run import same
from unoqa.batch import GradeOptions
from unoqa.batch.executors.dask import Dask
from unoqa.core.errors import UsageError
from unoqa.outputs.parts.run import grade_to_folder

pytest.importorskip("distributed", reason="needs the extra cluster")

pytestmark = pytest.mark.slow


def grade(model, images, folder, scheduler, **options):
    return one_run.grade(model, images, folder, executor=Dask(scheduler=scheduler), **options)


def wait_for(ready):
    ends = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_two_workers_of_this_machine(model, images, whole, tmp_path):
    grade(model, images, tmp_path / "results", "local:2")
    same(tmp_path / "results", whole)


def test_a_worker_is_killed(model, images, whole, cluster, tmp_path):
    worker = cluster.add("one")
    cluster.add("two")
    grade(model, images, tmp_path / "results", cluster.address, progress=During(6, lambda: end(worker)))
    same(tmp_path / "results", whole)


def test_a_partition_that_is_delivered_twice_is_one(model, images, whole, cluster, tmp_path):
    """A worker that has done its part dies before the driver has taken it, and another does it once more."""
    worker, heat = cluster.add("one"), tmp_path / "results" / "heat"
    once = {}

    def replace_worker():  # the driver takes the first partition, and the second is done
        wait_for(lambda: len(list(heat.glob("*.png"))) == 7)  # one of eight is no image
        once.update({path: path.stat().st_ino for path in heat.glob("*.png")})
        end(worker)
        cluster.add("two")

    grade(model, images, tmp_path / "results", cluster.address, progress=During(1, replace_worker))
    assert sum(path.stat().st_ino != inode for path, inode in once.items()) == 4
    same(tmp_path / "results", whole)


def test_a_worker_is_slow(model, images, whole, cluster, tmp_path):
    worker = cluster.add("one", nanny=False)
    cluster.add("two")

    def stop():
        os.killpg(worker.pid, signal.SIGSTOP)
        cluster.processes.append(subprocess.Popen(["sh", "-c", f"sleep 3; kill -CONT -{worker.pid}"]))

    grade(model, images, tmp_path / "results", cluster.address, progress=During(4, stop))
    same(tmp_path / "results", whole)


def test_the_scheduler_is_restarted_between_two_runs(model, images, whole, cluster, tmp_path):
    worker = cluster.add()
    with pytest.raises(UsageError, match="is gone; start it and its workers, then run the same command again"):
        grade(model, images, tmp_path / "results", cluster.address, progress=During(5, lambda: end(cluster.scheduler)))
    end(worker)
    cluster.start_scheduler()
    cluster.add()
    grade(model, images, tmp_path / "results", cluster.address)
    same(tmp_path / "results", whole)


def test_the_driver_is_killed_and_goes_on(model, images, whole, cluster, tmp_path):
    cluster.add()
    command = ("unoqa", "grade", images, "-m", model, "-o", tmp_path / "results", "--no-report", "-q",
               "--executor", "dask", "--scheduler", cluster.address)  # fmt: skip
    driver = start(*command)
    heat = tmp_path / "results" / "heat"
    wait_for(lambda: len(list(heat.glob("*.png"))) > 5)
    end(driver)
    assert not (tmp_path / "results" / "grades.csv").exists()
    assert start(*command).wait(120) == 3  # one image is none
    same(tmp_path / "results", whole)


DEADLY = """
import os
from typing import final
from unoqa.contracts import Format

@final
class Deadly(Format):
    suffixes = (".deadly",)
    def matches(self, head): return head.startswith(b"deadly")
    def count_pages(self, path): return 1
    def read(self, path, page, name): os._exit(9)
"""


def test_an_image_that_kills_its_reader(model, images, whole, cluster, tmp_path, monkeypatch):
    plugin = tmp_path / "plugin"
    (plugin / "deadly-1.0.dist-info").mkdir(parents=True)
    (plugin / "deadly-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (plugin / "deadly-1.0.dist-info" / "entry_points.txt").write_text("[unoqa.formats]\ndeadly = deadly\n")
    (plugin / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(plugin)
    shutil.copytree(images, tmp_path / "scans")
    (tmp_path / "scans" / "scan_0002x.png").write_bytes(b"deadly")
    cluster.add("one", PYTHONPATH=str(plugin))
    cluster.add("two", PYTHONPATH=str(plugin))
    grade(model, tmp_path / "scans", tmp_path / "results", cluster.address)
    with unoqa.Results.open(tmp_path / "results") as results:
        ours = list(results.gradings)
    dead = next(one for one in ours if one.image == "scan_0002x.png")
    assert dead.error.startswith("worker-killed: scan_0002x.png ended each process that read it")
    with unoqa.Results.open(whole) as results:
        theirs = list(results.gradings)
    assert [one.image for one in ours if one is not dead] == [one.image for one in theirs]
    # The sentence about the file that is no image lists the formats, of which there is one more.
    assert [one for one in ours if one.score is not None] == [one for one in theirs if one.score is not None]


def test_a_worker_whose_disk_is_full_does_without_it(model, images, whole, cluster, tmp_path):
    """It cannot write overlays, so the driver does."""
    cluster.add("full", largest=8)
    grade(model, images, tmp_path / "results", cluster.address)
    same(tmp_path / "results", whole)


def test_others_do_the_work_of_a_worker_that_cannot_unpack_the_model(
    model, images, whole, cluster, tmp_path, monkeypatch
):
    """The model lies below the driver's current folder, which is another one for the workers: it is sent to them."""
    if not Path("/proc/self/cwd").exists():
        pytest.skip("needs /proc")
    monkeypatch.chdir(model.parent)
    cluster.add("full", largest=8)
    cluster.add("roomy")
    grade(Path("/proc/self/cwd", model.name), images, tmp_path / "results", cluster.address)
    same(tmp_path / "results", whole)
    assert list((tmp_path / "roomy").rglob("model.json")) or list((tmp_path / "roomy").rglob("*.safetensors"))


def test_a_worker_of_another_version_is_refused_by_name(model, images, cluster, tmp_path):
    source = Path(unoqa.__file__).parent
    shutil.copytree(source, tmp_path / "other" / "unoqa")
    (tmp_path / "other" / "unoqa" / "version.py").write_text('"""Other."""\n__version__ = "0.0.1"\n')
    cluster.add(PYTHONPATH=str(tmp_path / "other"))
    expected = (
        rf"The worker tcp://127\.0\.0\.1:\d+ cannot be used: it has unoqa 0\.0\.1, and this machine "
        rf"{unoqa.__version__}; install the same versions on both\."
    )
    with pytest.raises(UsageError, match=expected):
        grade(model, images, tmp_path / "results", cluster.address)


def test_images_in_memory_stay_on_this_machine(settled, clinic, tmp_path):
    with pytest.raises(UsageError, match="grade images in memory with threads"):
        grade_to_folder(settled, clinic.images()[:2], tmp_path / "results", GradeOptions(executor=Dask()))


def test_no_scheduler(model, images, tmp_path, monkeypatch):
    monkeypatch.setattr("unoqa.batch.executors.parts.cluster.PATIENCE", 1)
    with pytest.raises(UsageError, match=r"The scheduler tcp://127.0.0.1:9 cannot be reached or has no workers"):
        grade(model, images, tmp_path / "results", "tcp://127.0.0.1:9")
