"""Texts of closed lists, compared with what the network saw."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.model import Client, StaffMember
from pipeline.reading.fields.field_image import MAX_NEAREST, NO_TEXTS, TextList
from pipeline.reading.fields.handwriting.reader import IMAGE_TRUST, weigh_listed
from pipeline.reading.fields.handwriting.second_pass import text_log_probability
from pipeline.reading.resolve.known_names import KnownTexts
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister
from tests.support.pages.written_steps import steps_of, with_doubt

STAFF = TextList(["Conny Nordin", "Jonny Nordin", "Åsa Berg"])


def test_listed_text_that_the_image_says_as_well_is_as_likely() -> None:
    either = steps_of(with_doubt("conny nordin", {0: {"c": 0.5, "j": 0.5}}))
    found = dict(weigh_listed(either, "Conny Nordin", STAFF))
    assert found == pytest.approx({"Conny Nordin": 1.0, "Jonny Nordin": 1.0}, abs=0.02)


def test_listed_text_that_the_image_contradicts_is_unlikely() -> None:
    clear = steps_of("Conny Nordin")
    found = dict(weigh_listed(clear, "Conny Nordin", STAFF))
    assert found["Conny Nordin"] == 1.0
    assert found["Jonny Nordin"] < 0.05


def test_likelihood_is_the_ratio_over_all_alignments() -> None:
    steps = steps_of(with_doubt("anna", {2: {"n": 0.7, "r": 0.3}}))
    ((text, found),) = weigh_listed(steps, "anna", TextList(["anra"]))
    logs = [text_log_probability(steps, one) for one in (text, "anna")]
    assert found == pytest.approx(math.exp(IMAGE_TRUST * (logs[0] - logs[1])), rel=0.05)


@pytest.mark.parametrize("read", ["CONNY NORDIN", "conny nordin"])
def test_capitals_make_no_difference(read: str) -> None:
    assert dict(weigh_listed(steps_of(read), read, STAFF))["Conny Nordin"] == pytest.approx(1.0)


def test_nothing_is_compared_without_a_list_or_with_unknown_signs() -> None:
    steps = steps_of("Ana")
    assert weigh_listed(steps, "Ana", NO_TEXTS) == ()
    assert weigh_listed(steps, "Ana", TextList(["Aña"])) == ()
    assert weigh_listed(steps[:0], "Ana", TextList(["Ana"])) == (("Ana", 1.0),)


def test_nearest_texts_come_with_their_spellings_and_no_more_than_some() -> None:
    names = TextList([f"Anna Berg{one}" for one in "abcdefghijklmno"], lambda name: (name, "x"))
    found = names.find_nearest("anna berga")
    assert found[:2] == [("Anna Berga", "Anna Berga"), ("Anna Berga", "x")]
    assert len(found) == 2 * MAX_NEAREST
    assert names.find_nearest("Qqq") == []


def line(means: Meaning | None, kind: Kind = Kind.TEXT) -> FieldSpec:
    return FieldSpec.model_construct(
        name="line", label="", kind=kind, means=means, format=None, box=(0, 0, 50, 8)
    )


def test_each_line_has_its_list() -> None:
    client = Client("192501019216", "Astrid Åkerström", "Hemtjänst Öst")
    hidden = Client("193207319207", "Sven Lindqvist", "Hemtjänst Öst", protected=True)
    known = KnownTexts.of(
        ClientRegister([client, hidden]),
        StaffRegister(
            [
                StaffMember("Eva Marklund", "sjuksköterska", "EM", "A"),
                StaffMember("Eva", "", "E", "A"),
            ]
        ),
    )
    texts = {
        means: known.expected_in(line(means)).texts
        for means in (
            Meaning.AUTHOR_NAME,
            Meaning.AUTHOR_TITLE,
            Meaning.CLIENT_NAME,
            Meaning.CLIENT_PRINTED,
            Meaning.UNIT,
            None,
        )
    }
    assert texts == {
        Meaning.AUTHOR_NAME: ("Eva Marklund",),
        Meaning.AUTHOR_TITLE: ("sjuksköterska",),
        Meaning.CLIENT_NAME: ("Astrid Åkerström", "Sven Lindqvist"),
        # Nobody with a protected identity is proposed for paper about another person.
        Meaning.CLIENT_PRINTED: ("Astrid Åkerström 19250101-9216",),
        Meaning.UNIT: (),
        None: ("Eva Marklund",),
    }
    assert known.expected_in(line(None, Kind.LINES)) is NO_TEXTS


def test_number_is_found_with_and_without_century_and_hyphen() -> None:
    register = ClientRegister([Client("192501019216", "Astrid Åkerström", "Hemtjänst Öst")])
    lines = KnownTexts.of(register, None).client_lines
    written = {spelling for _, spelling in lines.find_nearest("Astrid Åkerström 250101-9216")}
    numbers = {"19250101-9216", "250101-9216", "192501019216", "2501019216"}
    assert written == {f"Astrid Åkerström {number}" for number in numbers}


def test_many_texts_are_compared_as_one_by_one() -> None:
    rng = np.random.default_rng(4)
    noise = rng.dirichlet(np.ones(steps_of("E").shape[1]), 1).astype(np.float32)
    steps = np.asarray(steps_of("Eva Berg") * 0.7 + noise * 0.3, np.float32)
    texts = ["Eva Berg", "Eva Bergman", "Ewa Berg", "Eva Bergh"]
    together = dict(weigh_listed(steps, "Eva Berg", TextList(texts)))
    for text in texts:
        assert weigh_listed(steps, "Eva Berg", TextList([text])) == ((text, together[text]),)
