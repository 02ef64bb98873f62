"""Fields are proposed from the print of a blank."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Image
from pipeline.forms.field_types import FieldType
from pipeline.preparation.form_editor import drawn_boxes
from pipeline.preparation.form_proposals.propose import (
    FieldProposal,
    Proposals,
    load_label_list,
    propose_fields,
)

A4 = (210.0, 297.0)
SCALE = 8
"""Pixels of a millimetre."""


class Paper:
    """A blank as a picture; lengths are mm. Words are known as a file's own text is."""

    def __init__(self) -> None:
        self.picture: Image = np.full((297 * SCALE, 210 * SCALE), 255, np.uint8)
        self.words: list[tuple[str, float, float, float, float]] = []

    def box(self, x: float, y: float, w: float, h: float) -> None:
        corners = [round(side * SCALE) for side in (x, y, x + w, y + h)]
        cv2.rectangle(self.picture, corners[:2], corners[2:], (90,), 2)

    def rule(self, x: float, y: float, w: float, *, dotted: bool = False) -> None:
        if dotted:
            for dot in np.arange(x, x + w, 0.9):
                cv2.circle(self.picture, (round(dot * SCALE), round(y * SCALE)), 1, (60,), -1)
        else:
            ends = [(round(end * SCALE), round(y * SCALE)) for end in (x, x + w)]
            cv2.line(self.picture, ends[0], ends[1], (60,), 2)

    def comb(self, x: float, y: float, cells: int, width: float = 5) -> None:
        for cell in range(cells):
            self.box(x + cell * width, y, width, 7)

    def text(self, text: str, x: float, y: float) -> None:
        """Print words whose lower left is here."""
        for word in text.split():
            (w, h), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)
            at = (round(x * SCALE), round(y * SCALE))
            cv2.putText(self.picture, word, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0,), 1)
            left, top, width, height = x, y - h / SCALE, w / SCALE, h / SCALE
            self.words.append((word, left / 210, top / 297, width / 210, height / 297))
            x += width + 1.2

    def proposals(self) -> Proposals:
        return propose_fields(self.picture, A4, self.words)

    def only(self) -> FieldProposal:
        (found,) = self.proposals().fields
        return found


@pytest.mark.parametrize(
    ("label", "cells", "wanted", "means"),
    [
        ("Personnummer", 12, FieldType.PERSONAL_NUMBER, Meaning.CLIENT_PID),
        ("Personnummer", 10, FieldType.CODE, Meaning.CLIENT_PID),
        ("Datum", 8, FieldType.DATE, Meaning.EVENT_DATE),
        ("Klockslag", 4, FieldType.TIME, Meaning.EVENT_TIME),
        ("Puls", 3, FieldType.NUMBER, None),
    ],
)
def test_a_comb_is_what_its_label_and_number_of_cells_say(
    label: str, cells: int, wanted: FieldType, means: Meaning | None
) -> None:
    paper = Paper()
    paper.text(label, 20, 48)
    paper.comb(20, 50, cells)
    found = paper.only()
    assert (found.type, found.label, found.means) == (wanted, label, means)
    assert found.box.as_list() == pytest.approx([20, 50, 5 * cells, 7], abs=0.5)


def test_a_box_without_cells_is_a_line_of_its_kind_or_several() -> None:
    paper = Paper()
    paper.text("Datum", 20, 38)
    paper.box(20, 40, 40, 8)
    paper.text("Namnteckning", 80, 38)
    paper.box(80, 40, 60, 12)
    paper.text("Beskrivning", 20, 68)
    paper.box(20, 70, 160, 45)
    found = paper.proposals().fields
    assert [(one.type, one.label) for one in found] == [
        (FieldType.DATE_LINE, "Datum"),
        (FieldType.SIGNATURE, "Namnteckning"),
        (FieldType.LINES, "Beskrivning"),
    ]


def test_a_label_inside_its_box_leaves_the_rest_to_write_in() -> None:
    paper = Paper()
    paper.text("Adress", 21, 43)
    paper.box(20, 40, 90, 14)
    found = paper.only()
    assert (found.type, found.label) == (FieldType.TEXT, "Adress")
    assert found.box.y > 42.5
    assert found.box.y + found.box.h == pytest.approx(54, abs=0.5)


@pytest.mark.parametrize("dotted", [False, True])
def test_a_rule_beside_words_is_written_on(dotted: bool) -> None:
    paper = Paper()
    paper.text("Telefon:", 20, 60)
    paper.rule(40, 60.5, 70, dotted=dotted)
    found = paper.only()
    assert (found.type, found.label) == (FieldType.PHONE, "Telefon")
    assert found.box.y + found.box.h == pytest.approx(60.3, abs=0.5)
    assert 4 <= found.box.h <= 10


def test_rules_below_each_other_are_one_field_and_a_line_without_words_is_none() -> None:
    paper = Paper()
    paper.text("Anteckning", 20, 50)
    for number in range(4):
        paper.rule(20, 60 + 9 * number, 160)
    paper.rule(20, 200, 160)
    found = paper.only()
    assert (found.type, found.lines) == (FieldType.LINES, 4)


def test_check_boxes_are_a_choice_where_their_words_exclude_each_other() -> None:
    paper = Paper()
    paper.text("Vaken", 20, 48)
    for label, x in (("Ja", 20), ("Nej", 34)):
        paper.box(x, 50, 4, 4)
        paper.text(label, x + 5.5, 53.2)
    paper.box(20, 80, 4, 4)
    paper.text("Anhörig underrättad", 25.5, 83.2)
    found = paper.proposals().fields
    assert [(one.type, one.label, one.choice) for one in found] == [
        (FieldType.MARK, "Ja", "Vaken"),
        (FieldType.MARK, "Nej", "Vaken"),
        (FieldType.MARK, "Anhörig underrättad", ""),
    ]


def test_rows_that_come_again_are_a_table() -> None:
    paper = Paper()
    paper.text("Datum", 20, 58)
    paper.text("Insats", 70, 58)
    for row in range(6):
        paper.comb(20, 60 + 10 * row, 8)
        paper.box(70, 60 + 10 * row, 100, 7)
    found = paper.proposals()
    assert [(one.type, one.label, one.each_row) for one in found.fields] == [
        (FieldType.DATE, "Datum", True),
        (FieldType.TEXT, "Insats", True),
    ]
    assert found.rows is not None
    assert found.rows == pytest.approx((6, 10), abs=0.1)


def test_print_without_room_to_write_is_no_field() -> None:
    paper = Paper()
    paper.text("Rubrik över sidan", 20, 20)
    paper.rule(20, 21, 30)
    paper.box(20, 40, 38, 6)
    paper.text("Fylls i av kommunen i samråd", 21, 44.5)
    assert paper.proposals().fields == ()


def test_an_empty_page_has_no_fields() -> None:
    assert Paper().proposals() == Proposals(())


def test_who_and_when_are_keyed_blind_in_what_is_proposed() -> None:
    """Where the program's own forms demand it: nobody else would, once all are accepted."""
    paper = Paper()
    paper.text("Personnummer", 20, 48)
    paper.comb(20, 50, 12)
    paper.text("Datum", 20, 68)
    paper.comb(20, 70, 8)
    image = cv2.imencode(".png", paper.picture)[1].tobytes()
    data = drawn_boxes.propose_boxes({"size": list(A4), "criticality": "A", "boxes": []}, image)
    boxes = drawn_boxes.list_boxes(drawn_boxes.accept_proposals(data))
    assert [box.get("critical") for box in boxes] == [True, True]
    assert boxes[0]["required"] is True


def test_proposals_are_no_fields_until_they_are_accepted() -> None:
    paper = Paper()
    paper.text("Datum", 20, 48)
    paper.comb(20, 50, 8)
    image = cv2.imencode(".png", paper.picture)[1].tobytes()
    data = drawn_boxes.propose_boxes({"size": list(A4), "boxes": []}, image)
    (box,) = drawn_boxes.list_boxes(data, proposed=True)
    assert (box["sort"], box["proposed"]) == ("date", True)
    assert drawn_boxes.list_boxes(data, proposed=False) == []
    assert drawn_boxes.list_boxes(drawn_boxes.remove_proposals(data)) == []
    (accepted,) = drawn_boxes.list_boxes(drawn_boxes.accept_proposals(data), proposed=False)
    changed = drawn_boxes.replace_box(data, box["id"], label="Dag")
    assert accepted["id"] == drawn_boxes.list_boxes(changed, proposed=False)[0]["id"]


def test_the_longest_phrase_of_a_label_counts_and_misread_letters_are_forgiven() -> None:
    known = load_label_list()
    for label, wanted in (
        ("Namnförtydligande", Meaning.AUTHOR_NAME),
        ("Namn", Meaning.CLIENT_NAME),
        ("Personnurnmer", Meaning.CLIENT_PID),
    ):
        rule = known.find_rule(label)
        assert rule is not None
        assert rule.means[0] is wanted
    assert known.spell("Klockslaa") == "Klockslag"
    assert known.spell("Namn och adress") == "Namn och adress"
    assert known.find_rule("Något helt annat som ingen har tänkt på") is None
    assert known.without_hints("Datum ÅÅÅÅ-MM-DD:") == "Datum"
    assert known.find_hint("AAAA-MM-DD") == "date"
