"""What a reader may see of what others say, and what the record says of it: the real server, asked by hand."""

from __future__ import annotations

import json

import pytest

from asked import Asked
from reviewed import make_record, review
from unoqa.app.review.application import make_review_app
from unoqa.app.review.options import ReviewOptions
from unoqa.store.results import Results
from unoqa.store.results.reviews import collect_reviews

DISPUTED, OTHER = 2, 0
"""Positions: of an image about which Anna and Ben disagree, and of one that nobody has graded."""

TABLE = "image,grade\nc.png,ungradable\na.png,gradable\n"
"""A corrected table: of the image in dispute, and of another."""


@pytest.fixture
def record(tmp_path):
    folder = make_record(tmp_path / "results")
    review(folder, (DISPUTED, "Anna", "grade", "ungradable"), (DISPUTED, "Ben", "grade", "gradable"))
    return folder


@pytest.fixture
def ask(record):
    asked = Asked(make_review_app(record, ReviewOptions()))

    def get(path, reader="Cleo", *, method="GET", body=None, **values):
        headers = {"Content_Type": "application/octet-stream" if path == "correct" else "application/json"}
        given = {"results": "", "reader": reader, **values}
        status, text, _ = asked(method, f"/review/{path}", body=body, values=given, **(headers if body else {}))
        return status, json.loads(text) if text.startswith(("{", "[")) else text

    return get


def look(ask, position, **values):
    status, shown = ask("image", position=position, **values)
    assert status == 200
    return shown


def decide(ask, position, value="gradable", *, field="grade", name=None):
    words = {"position": position, "name": name or "abcde"[position] + ".png", "reader": "Cleo", "field": field}
    assert ask("decide", method="POST", body=json.dumps({**words, "value": value}))[0] == 200


def views(record):
    with Results.open(record) as results:
        reviews = collect_reviews(results.decisions)
    return {place: one.fields["view"]["Cleo"] for place, one in reviews.items() if "Cleo" in one.fields.get("view", {})}


def correct(ask, body, **values):
    return ask("correct", method="POST", body=body, **values)


def test_in_every_view_a_blind_reader_sees_the_image_alone_until_it_is_graded(ask, record):
    for adjudicating in (True, False):
        shown = look(ask, DISPUTED, blind=True, adjudicating=adjudicating)
        seen = (shown["machine"], shown["heat"], shown["others"], shown["adjudicated"], shown["trail"])
        assert seen == (None, False, None, None, [])
        assert ask("heat", position=DISPUTED, blind=True, adjudicating=adjudicating)[1] == {
            "error": "Heat is hidden until you have graded the image."
        }
    decide(ask, DISPUTED)
    assert views(record) == {DISPUTED: "blind"}
    shown = look(ask, DISPUTED, blind=True, adjudicating=True)
    assert shown["machine"]["grade"] == "ungradable"
    assert [one["reader"] for one in shown["others"]] == ["Anna", "Ben", "Cleo"]
    assert views(record) == {DISPUTED: "blind"}


def test_a_blind_queue_tells_nothing_and_has_disagreements_about_graded_images_only(ask):
    _, queue = ask("queue", blind=True)
    assert (queue["unsure"], queue["disagreements"], queue["hidden"]) == (0, [], 1)
    assert sorted(one["position"] for one in queue["images"]) == [0, 1, 2, 3, 4]
    orders = {
        tuple(one["position"] for one in ask("queue", reader, blind=True)[1]["images"])
        for reader in ("Cleo", "Dora", "Ed", "Fay")
    }
    assert len(orders) > 1
    decide(ask, DISPUTED)
    assert ask("queue", blind=True)[1]["disagreements"] == [DISPUTED]


@pytest.mark.parametrize("adjudicating", [True, False])
def test_what_is_shown_openly_is_entered_and_no_later_grade_of_that_image_is_blind(ask, record, adjudicating):
    shown = look(ask, DISPUTED, adjudicating=adjudicating)
    assert shown["machine"] is not None
    assert (shown["others"] is not None) == adjudicating
    assert views(record) == {DISPUTED: "open"}
    look(ask, DISPUTED, blind=True)
    decide(ask, DISPUTED)
    assert views(record) == {DISPUTED: "open"}
    pair = next(one for one in ask("agreement")[1] if (one["first"], one["second"]) == ("Cleo", "unoqa"))
    assert pair["blind"] == 0


def test_whoever_adjudicates_without_having_graded_is_entered_as_having_seen(ask, record):
    decide(ask, DISPUTED, field="adjudication")
    decide(ask, DISPUTED)
    assert views(record) == {DISPUTED: "open"}


def test_a_blind_reader_gets_no_table_before_all_is_graded(ask):
    for answer in (ask("export", blind=True), correct(ask, TABLE, blind=True)):
        assert answer[0] == 400
        assert "grade the 5 images that are left" in answer[1]["error"]
    for position in range(5):
        decide(ask, position)
    assert ask("export", blind=True)[0] == 200


def test_a_server_that_is_blind_is_so_for_all(record):
    asked = Asked(make_review_app(record, ReviewOptions(blind=True)))
    for path in ("image", "queue", "export"):
        values = {"results": "", "reader": "Cleo"} | ({"position": DISPUTED} if path == "image" else {})
        text = asked(path=f"/review/{path}", values=values)[1]
        assert "ungradable" not in text


def test_a_table_says_what_it_leaves_disputed_and_may_decide_it(ask, record):
    _, found = correct(ask, TABLE)
    assert [(one["image"], one["wanted"], one["disputed"]) for one in found["changes"]] == [
        ("a.png", "gradable", False),
        ("c.png", "ungradable", True),
    ]
    assert correct(ask, TABLE, take="changes")[1]["taken"] == 2
    assert ask("queue")[1]["disagreements"] == [DISPUTED]
    assert views(record) == {OTHER: "open", DISPUTED: "open"}
    assert correct(ask, TABLE, take="changes", adjudicate=True)[1]["taken"] == 1
    assert ask("queue")[1]["disagreements"] == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("image,grade\na.png,Outstandig\n", "Line 2 of corrected.csv has grade 'Outstandig'"),
        ("", "corrected.csv is empty"),
        ("\0\1", "corrected.csv"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_of_the_users_file(ask, table, sentence):
    status, answer = correct(ask, table, name="corrected.csv")
    assert status == 400
    assert sentence in answer["error"]
    assert "/tmp" not in answer["error"]
