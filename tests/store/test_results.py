"""The record of a results folder: written and read back, migrated, refused, shared; it never loses a decision."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.errors import ResultsError, UsageError
from unoqa.core.facts import Fact, Facts
from unoqa.core.findings import Finding
from unoqa.core.grading import Grade, Grading
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run, database
from unoqa.store.results import points as store_points
from unoqa.store.results.assessments import iterate_assessments
from unoqa.store.results.database import MIGRATIONS, RECORD, VERSION, connect
from unoqa.store.results.details import iterate_details
from unoqa.store.results.eyes import has_eyes, iterate_eyes
from unoqa.store.results.points import PointFile

BLUR = Finding("sharpness", "blur", 4.5, False, "upper left", 0.25, -1.5, -1.0, 0.5, "log share", -1)
DIM = Finding("brightness", "dim", 3.5, False, "", 1.0, 0.1, 0.2, 0.4, "share", -1)

IMAGES = [ImageEntry(name, f"/clinic/{name}") for name in ("a.png", "b.png", "c.tif", "d.png")]
PLAN = RunPlan(IMAGES, "/clinic", "model-1", "conditions-1")

FOUND = [
    Assessment("a.png", 0.5, digest="aa", size=(320, 304), percentile=0.8, members=(0.25, -0.5)),
    Assessment(
        "b.png",
        3.25,
        digest="bb",
        size=(320, 320),
        percentile=0.02,
        members=(3.0, 1.0),
        spread=0.125,
        point=np.array([3.25, 1.0]),
        findings=(BLUR, DIM),
        facts=Facts(laterality=Fact("right", "header"), device=Fact("X", "header")),
    ),
    Failure("c.tif", "truncated", "c.tif ends early; copy it again."),
    Assessment(
        "d.png", 9.0, digest="dd", size=(64, 64), percentile=0.01, members=(9.0, 0.0), point=np.array([9.0, 0.1])
    ),
]

GRADINGS = [
    Grading("a.png", Grade.OUTSTANDING, 0.5, 1.5, 0.9, percentile=0.8),
    Grading("b.png", Grade.GRADABLE, 3.25, 1.5, 0.4, findings=(BLUR, DIM), percentile=0.02, unsure=True),
    Grading("c.tif", None, None, 1.5, None, error="truncated: c.tif ends early; copy it again."),
    Grading("d.png", Grade.UNGRADABLE, 9.0, 1.5, 1.0, percentile=0.01),
]

FACTS = {"model": "model-1", "seed": 0, "warnings": ["größe"]}


def fill(folder, plan=PLAN, found=FOUND, *, finish=True, **options):
    with begin_run(folder, plan, **options) as run:
        for position, one in zip(run.positions, found, strict=True):
            run.add(position, one)
        if finish:
            run.finish(GRADINGS, threshold=1.5, facts=FACTS)
        return run.done


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "results")
    return tmp_path / "results"


def test_what_is_written_is_read_back(folder):
    with Results.open(folder) as results:
        assert list(results.gradings) == GRADINGS
        assert results.facts == FACTS
        assert len(results) == 4
        assert results.facts_of(1) == FOUND[1].facts
        assert results.members_of(0) == (0.25, -0.5)
        assert [results.count(grade) for grade in (Grade.OUTSTANDING, Grade.GRADABLE, Grade.UNGRADABLE, None)] == [
            1
        ] * 4
        assert results.list_errors(5) == [("c.tif", "truncated: c.tif ends early; copy it again.")]


def test_statistics_come_back_by_name_also_those_that_some_images_lack(tmp_path):
    first, second, *others = FOUND
    known = ({"brightness": 0.5}, {"contrast": -1.25, "brightness": 0.25})
    found = [*(replace(one, statistics=own) for one, own in zip((first, second), known, strict=True)), *others]
    fill(tmp_path / "results", found=found)
    with Results.open(tmp_path / "results") as results:
        read = [one.statistics for one in iterate_assessments(results) if isinstance(one, Assessment)]
        assert read == [*known, {}]
        results.write_meta(statistics=["brightness"])
        with pytest.raises(ResultsError, match=r"is not a record of unoqa or is damaged"):
            list(iterate_assessments(results))


def test_points_lie_beside_the_record_and_come_back(folder):
    with begin_run(folder, PLAN) as run:
        assert run.done == 3
        assessed = run.assessments()
    assert [None if isinstance(one, Failure) else one.score for one in assessed] == [0.5, 3.25, None, 9.0]
    assert [one.point.tolist() for one in assessed if isinstance(one, Assessment)] == [[], [3.25, 1.0], [9.0, 0.1]]


def test_points_keep_half_precision(tmp_path):
    points = PointFile(tmp_path, 0, "<f8", 0)
    assert points.append(np.array([1.5, 2.5], dtype=np.float16)) == 0
    assert points.append(np.array([3.5, 4.5], dtype=np.float16)) == 1
    np.testing.assert_array_equal(points.read([1, 0]), [[3.5, 4.5], [1.5, 2.5]])
    points.close()
    assert (tmp_path / "points.raw").stat().st_size == 8


def test_points_after_those_that_the_record_knows_are_overwritten(tmp_path):
    first = PointFile(tmp_path, 0, "<f8", 0)
    for value in (1.0, 2.0, 3.0):
        first.append(np.array([value]))
    first.close()
    again = PointFile(tmp_path, 1, "<f8", 1)
    assert again.append(np.array([9.0])) == 1
    np.testing.assert_array_equal(again.read([0, 1]), [[1.0], [9.0]])
    again.close()


def test_part_of_a_row_that_a_kill_left_is_not_read(tmp_path):
    first = PointFile(tmp_path, 0, "<f8", 0)
    for value in (1.0, 2.0):
        first.append(np.array([value, value]))
    first.close()
    with (tmp_path / "points.raw").open("ab") as file:
        file.write(b"half")
    np.testing.assert_array_equal(PointFile(tmp_path, 2, "<f8", 2).read([1]), [[2.0, 2.0]])


def test_many_points_are_stacked_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(store_points, "MAX_IN_MEMORY", 5)
    points = PointFile(tmp_path, 0, "<f8", 0)
    for value in range(4):
        points.append(np.array([value, value / 8], dtype=np.float16))
    stacked, few = (store_points.stack_points(points.read(rows)) for rows in ([3, 0, 2], [3, 0]))
    points.close()
    assert (type(stacked), stacked.dtype, type(few)) == (np.memmap, np.float16, np.ndarray)
    np.testing.assert_array_equal(stacked, [[3, 3 / 8], [0, 0], [2, 2 / 8]])
    np.testing.assert_array_equal(few, stacked[:2])


def test_a_run_is_unfinished_until_it_sets_its_grades(folder):
    with Results.open(folder) as results:
        assert results.finished
    fill(folder, finish=False)
    with Results.open(folder) as results:
        assert not results.finished
        assert results.facts == {}
        with pytest.raises(ResultsError, match="is not finished; give the same `unoqa grade` command again"):
            results.check_finished()
    fill(folder)
    with Results.open(folder) as results:
        results.check_finished()


@pytest.mark.requirement("R8")
def test_a_run_under_other_conditions_starts_anew_and_keeps_decisions(folder):
    with Results.open(folder) as results:
        results.decide(1, "anna", "grade", "gradable")
    with begin_run(folder, replace(PLAN, conditions="conditions-2")) as run:
        assert run.done == 0
        assert run.digest(0) is None
    with Results.open(folder) as results:
        assert [one.score for one in results.gradings] == [None] * 4
        assert [(one.position, one.reader, one.new) for one in results.decisions] == [(1, "anna", "gradable")]


def test_images_that_came_since_an_unfinished_run_move_the_others(tmp_path):
    fill(tmp_path, replace(PLAN, images=[IMAGES[1], IMAGES[3]]), [FOUND[1], FOUND[3]], finish=False)
    with Results.open(tmp_path) as results:
        results.decide(1, "anna", "grade", "ungradable")
    with begin_run(tmp_path, PLAN) as run:
        assert [run.digest(position) for position in run.positions] == [None, "bb", None, "dd"]
        assert run.results.facts_of(1) == FOUND[1].facts
        assert [one.position for one in run.results.decisions] == [3]


def test_results_grow_only_when_that_is_wanted(folder):
    more = RunPlan([ImageEntry("e.png", "/clinic/today/e.png")], "/clinic/today", "model-1", "conditions-1")
    with pytest.raises(ResultsError, match="holds the results of other images; name a new folder, or add these"):
        fill(folder, more, [], finish=False)
    with begin_run(folder, replace(more, append=True)) as run:
        assert run.positions == [4]
        run.add(4, replace(FOUND[0], image="e.png", digest="ee"))
        run.finish([*GRADINGS, replace(GRADINGS[0], image="e.png")], threshold=1.5, facts=FACTS)
    with Results.open(folder) as results:
        assert [one.image for one in results.gradings] == ["a.png", "b.png", "c.tif", "d.png", "e.png"]
        assert results.read_meta("root", "") == "/clinic"


MORE = RunPlan([ImageEntry("e.png", "/clinic/e.png")], "/clinic", "model-1", "conditions-1", append=True)


def test_images_are_added_to_whole_results_only(tmp_path):
    with begin_run(tmp_path, PLAN) as run:
        run.add(0, FOUND[0])
    for _ in range(2):
        with pytest.raises(ResultsError, match=r"holds other images that must be graded first, such as b\.png"):
            fill(tmp_path, MORE, [])
    every = replace(MORE, images=[*IMAGES, *MORE.images])
    with begin_run(tmp_path, every) as run:
        assert run.positions == [0, 1, 2, 3, 4]


def test_adding_under_other_conditions_keeps_what_is_there(folder):
    with pytest.raises(ResultsError, match=r"such as a\.png .*another device or other findings\); name all images"):
        fill(folder, replace(MORE, conditions="conditions-2"), [])
    with Results.open(folder) as results:
        assert list(results.gradings) == GRADINGS
        assert results.finished


def test_an_added_image_with_a_known_name_gets_its_whole_path(folder):
    twin = RunPlan([ImageEntry("a.png", "/other/a.png")], "/other", "model-1", "conditions-1", append=True)
    with begin_run(folder, twin) as run:
        assert [one.name for one in run.results.entries()][-1] == "/other/a.png"
    with begin_run(folder, twin) as run:
        assert run.positions == [4]


def test_one_name_given_twice_has_two_rows(tmp_path):
    twice = replace(PLAN, images=[IMAGES[0], IMAGES[0]])
    with begin_run(tmp_path, twice) as run:
        assert run.positions == [0, 1]
    with begin_run(tmp_path, twice) as run:
        assert run.positions == [0, 1]


def test_the_record_says_where_an_image_lies_also_after_a_move(folder, tmp_path):
    with Results.open(folder) as results:
        assert results.entry("b.png").path == "/clinic/b.png"
        assert results.entry("b.png", images=tmp_path).path == str(tmp_path / "b.png")
        with pytest.raises(ResultsError, match=r"does not say where the image z\.png lay"):
            results.entry("z.png")


@pytest.mark.parametrize("root", ["", "/elsewhere"])
def test_images_that_lay_in_no_common_folder_are_not_looked_for_in_another(root, tmp_path):
    fill(tmp_path, replace(PLAN, root=root))
    with Results.open(tmp_path) as results:
        assert results.entry("b.png").path == "/clinic/b.png"
        with pytest.raises(ResultsError, match=r"lay in no common folder, so b\.png .*put it back to /clinic"):
            results.entry("b.png", images=tmp_path)


def test_a_second_run_is_refused_while_the_first_one_works(folder):
    with begin_run(folder, PLAN), pytest.raises(ResultsError, match="Another process is writing to"):
        fill(folder)


def test_another_model_is_refused(folder):
    with pytest.raises(ResultsError, match="holds the results of another model; name a new folder"):
        fill(folder, replace(PLAN, model="model-2"))


@pytest.mark.requirement("R8")
def test_decisions_are_events_that_nothing_changes(folder):
    with Results.open(folder) as results:
        results.decide(1, "anna", "grade", "gradable")
        results.decide(1, "bela", "grade", "outstanding")
        with pytest.raises(UsageError, match="'gradable' of anna is changed to 'ungradable': say why"):
            results.decide(1, "anna", "grade", "ungradable")
        changed = results.decide(1, "anna", "grade", "ungradable", reason="a blink, seen on second look")
        assert (changed.old, changed.new) == ("gradable", "ungradable")
        assert [one.new for one in results.decisions] == ["gradable", "outstanding", "ungradable"]
        for statement in ("UPDATE decisions SET new = 'x'", "DELETE FROM decisions"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                results.connection.execute(statement)
        with pytest.raises(UsageError, match="has no image at position 9"):
            results.decide(9, "anna", "grade", "gradable")


READER = """
import sys
from unoqa.store.results import Results
with Results.open(sys.argv[1]) as results:
    for number in range(40):
        results.decide(number % 4, sys.argv[2], f"note {number}", "seen")
"""


def test_two_readers_beside_a_grader_lose_nothing(tmp_path):
    folder = tmp_path / "results"
    fill(folder, finish=False)
    readers = [subprocess.Popen([sys.executable, "-c", READER, folder, name]) for name in ("anna", "bela")]
    with begin_run(folder, PLAN) as run:
        while any(reader.poll() is None for reader in readers):
            for position, one in enumerate(FOUND):
                run.add(position, one)
            run.flush()
        run.finish(GRADINGS, threshold=1.5, facts=FACTS)
    assert [reader.returncode for reader in readers] == [0, 0]
    with Results.open(folder) as results:
        assert len(results.decisions) == 80
        assert list(results.gradings) == GRADINGS


def test_a_record_works_without_posix_locks(tmp_path):
    fill(tmp_path / "share", vfs="unix-dotfile")
    with Results.open(tmp_path / "share", vfs="unix-dotfile") as results:
        results.decide(0, "anna", "grade", "gradable")
        assert list(results.gradings) == GRADINGS
    assert not list((tmp_path / "share").glob("*.lock*/"))


@pytest.mark.parametrize(
    ("name", "falls_back"),
    [("SQLITE_PROTOCOL", True), ("SQLITE_IOERR_LOCK", True), ("SQLITE_IOERR_READ", False), ("SQLITE_FULL", False)],
)
def test_only_a_lack_of_locks_chooses_other_locks(name, falls_back, folder, monkeypatch):
    def fail_without_locks(path, vfs):
        if vfs is None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = name
            raise error
        return opened(path, vfs)

    opened = database._open
    monkeypatch.setattr(database, "_open", fail_without_locks)
    if falls_back:
        connect(folder).close()
    else:
        with pytest.raises(ResultsError, match="disk I/O error"):
            connect(folder)


def test_a_newer_record_is_refused(folder):
    with sqlite3.connect(folder / RECORD) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(ResultsError, match=f"newer version of unoqa \\(record version {VERSION + 1}, this one reads"):
        Results.open(folder)


def test_an_older_record_is_migrated(folder, monkeypatch):
    monkeypatch.setattr(
        "unoqa.store.results.database.MIGRATIONS", (*MIGRATIONS, "ALTER TABLE images ADD COLUMN eye TEXT;")
    )
    monkeypatch.setattr("unoqa.store.results.database.VERSION", VERSION + 1)
    with Results.open(folder) as results:
        assert results.connection.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
        assert results.connection.execute("SELECT eye FROM images").fetchall() == [(None,)] * 4
        assert list(results.gradings) == GRADINGS


def test_a_record_from_before_certainty_was_a_probability_is_read_and_assessed_again(folder):
    with sqlite3.connect(folder / RECORD) as connection:
        for column in ("spread", "unsure"):
            connection.execute(f"ALTER TABLE images DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 4")
    connection.close()
    with Results.open(folder) as results:
        assert list(results.gradings) == [replace(one, unsure=False) for one in GRADINGS]
    assert fill(folder) == 0
    with Results.open(folder) as results:
        assert list(results.gradings) == GRADINGS


@pytest.mark.parametrize("damage", [b"no record at all", b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_damaged_record_is_refused_in_a_sentence(damage, folder):
    (folder / RECORD).write_bytes(damage)
    with pytest.raises(ResultsError, match=r"is not a record of unoqa or is damaged"):
        Results.open(folder)


def test_damage_within_a_record_is_told_when_it_is_met(folder):
    whole = (folder / RECORD).read_bytes()
    (folder / RECORD).write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(ResultsError, match=r"is not a record of unoqa or is damaged"), Results.open(folder) as results:
        list(results.iterate())


@pytest.mark.parametrize(
    ("column", "damage"), [("members", "'[1, '"), ("reduced", "'[0.1'"), ("warnings", "CAST(x'ff' AS TEXT)")]
)
def test_damage_of_details_is_told_too(column, damage, folder):
    with sqlite3.connect(folder / RECORD) as connection:
        connection.execute(f"UPDATE images SET {column} = {damage} WHERE position = 1")
    connection.close()
    with Results.open(folder) as results, pytest.raises(ResultsError, match=r"is not a record of unoqa or is damaged"):
        list(iterate_details(results))


def test_damage_of_what_names_eyes_is_told_too(folder):
    with sqlite3.connect(folder / RECORD) as connection:
        for name, value in (("laterality", "'right'"), ("session", "CAST(x'ff' AS TEXT)")):
            connection.execute(f"INSERT OR REPLACE INTO facts VALUES (1, '{name}', {value}, 'manifest')")
    connection.close()
    with Results.open(folder) as results:
        assert has_eyes(results)
        with pytest.raises(ResultsError, match=r"is not a record of unoqa or is damaged"):
            list(iterate_eyes(results))


def test_two_processes_may_make_the_record_at_once(tmp_path):
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(connect(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    for connection in opened:
        connection.close()


LEGACY = """\
image,grade,grade_code,score,threshold,certainty,reasons,error
a.png,outstanding,2,0.500000,1.500000,0.900000,,
'=b.png,gradable,1,3.000000,1.500000,0.400000,blur (upper left); slightly: dim,
c.tif,,,,1.500000,,,truncated: c.tif ends early; copy it again.
"""


@pytest.fixture
def legacy(tmp_path):
    (tmp_path / "grades.csv").write_text(LEGACY, encoding="utf-8")
    (tmp_path / "run.json").write_text(json.dumps({"model": "m", "threshold": 1.5, "images": "x"}), encoding="utf-8")
    return tmp_path


def test_results_of_the_first_version_are_read(legacy):
    with Results.open(legacy) as results:
        first, second, third = results.gradings
    assert (first.image, first.grade, first.score, first.threshold) == ("a.png", Grade.OUTSTANDING, 0.5, 1.5)
    assert (second.image, second.reasons) == ("=b.png", ("blur (upper left)", "slightly: dim"))
    assert third.error == "truncated: c.tif ends early; copy it again."
    assert not (legacy / RECORD).exists()


def test_results_of_the_first_version_are_not_continued(legacy):
    with pytest.raises(ResultsError, match=r"holds results of unoqa 0\.1\.0, which can be evaluated but not continued"):
        fill(legacy)


@pytest.mark.parametrize("text", ["image\nx\n", LEGACY.replace("0.500000", "half")])
def test_damaged_results_of_the_first_version_are_refused(text, legacy):
    (legacy / "grades.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"is not as unoqa 0\.1\.0 wrote it"):
        Results.open(legacy)


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(ResultsError, match="holds no results"):
        Results.open(tmp_path)
    with pytest.raises(ResultsError, match="does not exist"):
        Results.open(tmp_path / "none")


def test_a_data_frame_has_a_row_per_image(folder):
    with Results.open(folder) as results:
        frame = results.to_pandas()
    assert list(frame["image"]) == ["a.png", "b.png", "c.tif", "d.png"]
    assert list(frame["grade"].fillna("")) == ["outstanding", "gradable", "", "ungradable"]
    assert frame["score"][1] == 3.25
    assert frame["reasons"][1] == "blur (upper left); dim"
