"""From an empty folder to a report and a review, without a terminal: a real browser, the real server, real work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from browser import open_page
from reviewed import review
from served import serve
from unoqa.app.start.jobs import JOBS
from unoqa.app.start.launcher import make_launcher
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.store.results import Results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinic")
    write_phantom(folder, outstanding_to_fit=24, clinic=(8, 14, 12), seed=0, size=160)
    return folder


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Return a clinic that has a model and results already."""
    folder = tmp_path_factory.mktemp("graded")
    write_phantom(folder, outstanding_to_fit=24, clinic=(8, 14, 12), seed=0, size=160)
    for command in ("fit outstanding -o model --recipe measures", "grade clinic -m model -o results"):
        subprocess.run([sys.executable, "-m", "unoqa", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


def choose(page, label, folder):
    page.get_by_role("button", name=label).click()
    page.locator("#folders").get_by_role("button", name=folder).click()
    page.locator("#here", has_text=folder).wait_for()
    page.get_by_role("button", name="Choose this folder").click()


def wait_for_state(page, number, state):
    """Wait until as many jobs are in a state."""
    for _ in range(1200):
        if page.locator(".job .state").all_inner_texts().count(state) >= number:
            return
        page.wait_for_timeout(100)
    raise AssertionError(page.locator("#jobs").inner_text())


def wait_for_progress(folder, earlier):
    """Wait until a job that was not there before tells its progress; return its folder."""
    for _ in range(1200):
        if begun := [job for job in jobs(folder) - earlier if (job / "progress.json").exists()]:
            return begun[0]
        time.sleep(0.1)
    raise AssertionError(jobs(folder))


def jobs(folder):
    return set((folder / JOBS).glob("*"))


def wait_for_end(job):
    for _ in range(600):
        if (job / "exit").exists():
            return
        time.sleep(0.2)
    raise AssertionError((job / "log.txt").read_text())


def test_fit_grade_report_review_from_an_empty_folder(page, clinic):
    with serve("app", clinic) as (_, address):
        page.page.goto(address)
        page.page.get_by_text("No results yet").wait_for()
        choose(page.page, "Choose the folder of outstanding scans", "outstanding")
        page.page.get_by_label("Recipe").select_option("measures")
        page.page.get_by_text("unoqa fit outstanding -o model --recipe measures").first.wait_for()
        page.page.get_by_text("24 images would be read. Better 60 or more.").wait_for()
        assert page.violations() == []
        page.page.get_by_role("button", name="Fit", exact=True).click()
        wait_for_state(page.page, 1, "done")
        assert "Fitted on 24 images" in page.page.locator(".job pre").first.text_content()
        choose(page.page, "Choose the folder of images to grade", "clinic")
        page.page.get_by_role("button", name="Grade", exact=True).click()
        wait_for_state(page.page, 2, "done")
        page.page.get_by_role("link", name="Report of results").first.wait_for()
        with page.page.context.expect_page() as opened:
            page.page.get_by_role("link", name="Report of results").first.click()
        opened.value.wait_for_load_state()
        assert "outstanding" in opened.value.locator("body").inner_text()
        assert page.violations() == []
        with page.page.context.expect_page() as opened:
            page.page.get_by_role("link", name="Review results").first.click()
        opened.value.get_by_label("Name").wait_for()
    with Results.open(clinic / "results") as results:
        assert len(results) == 34


def test_a_model_is_settled_and_measured_for_a_site_report(page, graded):
    with serve("app", graded) as (_, address):
        page.page.goto(address)
        choose(page.page, "Choose the folder of mixed scans", "clinic")
        page.page.get_by_role("button", name="Settle", exact=True).click()
        wait_for_state(page.page, 1, "done")
        page.page.locator("#grade-model option", has_text="settled – settled").wait_for(state="attached")
        choose(page.page, "Choose the folder of held-out outstanding scans", "outstanding")
        form = page.page.locator("form[data-action=qualify]")
        form.get_by_label("Model").select_option("settled")
        form.get_by_label("Site").fill("Eye Clinic")
        assert page.violations() == []
        form.get_by_role("button", name="Measure").click()
        wait_for_state(page.page, 2, "done")
        with page.page.context.expect_page() as opened:
            page.page.locator("#pages").get_by_role("link", name="Site report of site-report").click()
        assert "Eye Clinic" in opened.value.locator("body").inner_text()
        page.page.get_by_role("button", name="Remove").first.click()
        page.page.locator(".job").nth(1).wait_for(state="detached")


def test_a_report_that_is_older_than_decisions_is_renewed(page, graded):
    review(graded / "results", (0, "Anna", "grade", "ungradable"))
    with serve("app", graded) as (_, address):
        page.page.goto(address)
        page.page.get_by_role("button", name="Renew the report of results").click()
        wait_for_state(page.page, 1, "done")
        page.page.locator("#results").get_by_role("button").wait_for(state="detached")
        with page.page.context.expect_page() as opened:
            page.page.locator("#results").get_by_role("link", name="Report of results").click()
        report = opened.value
        report.on("console", lambda one: page.errors.append(one.text) if one.type == "error" else None)
        report.reload()
        assert report.title().startswith("Image quality of ")
        assert "Anna" in report.locator("#tables").inner_text()


def test_subfolders_that_would_be_read_are_named_before_anything_runs(page, graded):
    with serve("app", graded) as (_, address):
        page.page.goto(address)
        page.page.get_by_role("button", name="Choose the folder of outstanding scans").click()
        page.page.locator("#here", has_text="(top folder)").wait_for()
        page.page.locator("#holds", has_text="58 images, all in subfolders").wait_for()
        page.page.get_by_role("button", name="Choose this folder").click()
        page.page.get_by_text(
            "58 images would be read: all in its subfolders clinic (34), outstanding (24)."
        ).wait_for()
        assert page.page.locator("#fit-images").input_value() == f"{graded.name} (top folder)"
        page.page.get_by_text("unoqa fit . -o model-2").wait_for()


def test_work_is_stopped_resumed_and_outlives_the_server(browser, graded):
    with open_page(browser) as watched:
        earlier = jobs(graded)
        with serve("app", graded) as (process, address):
            watched.page.goto(address)
            form = "form[data-action=grade]"
            choose(watched.page, "Choose the folder of images to grade", "clinic")
            watched.page.locator(f"{form} [name=output]").fill("again")
            watched.page.locator(f"{form} button.primary").click()
            wait_for_state(watched.page, 1, "running")
            watched.page.get_by_role("button", name="Stop").click()
            wait_for_state(watched.page, 1, "stopped")
            watched.page.get_by_role("button", name="Resume").click()
            wait_for_state(watched.page, 1, "running")
            process.kill()
            process.wait()
        wait_for_end(*(jobs(graded) - earlier))
        with serve("app", graded) as (_, address):
            watched.page.goto(address)
            watched.page.get_by_role("link", name="Report of again").first.wait_for()
    with Results.open(graded / "again") as again, Results.open(graded / "results") as results:
        assert again.gradings == results.gradings


@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX does")
def test_a_killed_worker_loses_no_graded_image(browser, graded):
    with serve("app", graded) as (_, address), open_page(browser) as watched:
        watched.page.goto(address)
        choose(watched.page, "Choose the folder of images to grade", "clinic")
        watched.page.locator("form[data-action=grade] [name=output]").fill("killed")
        earlier = jobs(graded)
        watched.page.locator("form[data-action=grade] button.primary").click()
        newest = wait_for_progress(graded, earlier)
        os.kill(int((newest / "pid").read_text()), signal.SIGKILL)
        wait_for_state(watched.page, 1, "stopped")
        watched.page.get_by_role("button", name="Resume").first.click()
        wait_for_end(newest)
    with Results.open(graded / "killed") as killed, Results.open(graded / "results") as results:
        assert killed.gradings == results.gradings


def test_a_mistake_is_told_beside_the_button(page, tmp_path):
    with serve("app", tmp_path) as (_, address):
        page.page.goto(address)
        for name in ("Fit", "Grade"):
            page.page.get_by_role("button", name=name, exact=True).click()
        sentences = page.page.get_by_text("Choose the folder of images.")
        sentences.nth(1).wait_for()
        assert sentences.count() == 2


def test_what_the_server_refuses_is_shown(browser, tmp_path):
    with serve("app", tmp_path) as (_, address), open_page(browser) as watched:
        watched.page.goto(address)
        demo = watched.page.get_by_role("button", name="Try it on made-up scans")
        demo.click()
        wait_for_state(watched.page, 1, "running")
        demo.click()
        watched.page.get_by_text("Another job is running; wait for it, or stop it first.").wait_for()
        watched.page.get_by_role("button", name="Stop").click()
        wait_for_state(watched.page, 1, "stopped")
        assert not watched.page.locator("#refused").is_visible()
        for path in (tmp_path / JOBS).glob("*/job.json"):
            path.unlink()
        watched.page.route("**/start/jobs?*", lambda route: None)  # the page does not notice
        watched.page.get_by_role("button", name="Resume").click()
        watched.page.get_by_text("There is no such job any more; reload the page.").wait_for()
        watched.page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize(
    ("platform", "name"), [("win32", "unoqa.bat"), ("darwin", "unoqa.command"), ("linux", "unoqa.desktop")]
)
def test_a_launcher_names_this_program_and_the_folder(platform, name, tmp_path):
    path = make_launcher(tmp_path, platform=platform)
    assert path.name == name
    text = path.read_text(encoding="utf-8")
    assert sys.executable in text
    assert str(tmp_path) in text
    assert "-m unoqa app" in text
