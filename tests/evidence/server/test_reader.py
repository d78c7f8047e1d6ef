"""The reader against the loopback backend: what it finds, what it costs, and its own trouble told as trouble."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.evidence.server.find import Where, glance, read, read_one
from harness.evidence.server.reader import Reader, ReadingFailed, trouble_of
from harness.evidence.server.worker import describe
from harness.loopback.faults import Fault
from harness.loopback.server import LoopbackServer
from lab.storm.site import wait_until
from tests.in_ci import real_part

PLACE = ("loopback", "vit")
KEY = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(scope="module")
def backend():
    with LoopbackServer() as server:
        yield server


@pytest.fixture(scope="module")
def shared_reader(backend):
    with Reader(backend.url, backend.api_key, os.environ, timeout_s=10) as reader:
        yield reader


@pytest.fixture
def reader(backend, shared_reader):
    yield shared_reader
    backend.faults.clear()


@pytest.fixture(scope="module", autouse=True)
def runs(backend):
    rows = [
        {"_step": i, "_timestamp": 1000.0 + i, "loss": 4.0 - i, "acc": "NaN" if i == 2 else 10.0 * i} for i in range(4)
    ]
    events = [{"_runtime": i, "system.cpu": 5.0 * i, "system.gpu.0.gpu": 0.0} for i in range(3)]
    backend.store.seed_run(
        *PLACE, "mine", username="loopback-user", display_name="Example run", tags=["t1"], history=rows, events=events,
        config={"epochs": 4}, files={"output.log": b"x"}, exit_code=0,
    )  # fmt: skip
    for index in range(30):
        backend.store.seed_run(
            *PLACE, f"other{index}", username="loopback-user", display_name="Example run", history=rows
        )


def test_only_runs_with_the_token_are_found_and_the_main_one_is_read_in_full(reader):
    reading = read(reader, Where(projects=(PLACE,), token="t1", expect=("loss", "acc")))
    assert (reading.status, reading.runs_total) == ("read", 1)
    run = reading.runs[0]
    assert (run.id, run.name, run.state, run.rows, run.last_step) == ("mine", "Example run", "finished", 4, 3)
    assert run.config == {"epochs": 4}
    assert run.files == ("output.log",)
    assert run.series["loss"].sketch == ((0.0, 4.0), (1.0, 3.0), (2.0, 2.0), (3.0, 1.0))
    assert (run.series["acc"].count, run.series["acc"].non_finite) == (4, 1)
    assert run.system["system.cpu"].maximum == 10.0
    assert run.system["system.gpu.0.gpu"].maximum == 0


def test_a_value_that_no_sample_shows_is_counted_all_the_same(backend, reader):
    def rows(odd):
        return [{"_step": i, "_timestamp": 1.0 * i, "loss": odd if i == 1501 else 1.0} for i in range(3000)]

    for name, odd in (("nan", "NaN"), ("dict", {"a": 1})):
        backend.store.seed_run("loopback", "odd", name, username="loopback-user", history=rows(odd))
    found = {
        name: read_one(reader, ("loopback", "odd", name), ("loss",)).runs[0].series["loss"] for name in ("nan", "dict")
    }
    assert len(found["nan"].sketch) == 200
    assert (found["nan"].numbers, found["nan"].non_finite, found["nan"].others) == (2999, 1, 0)
    assert found["dict"].non_finite == 0


def test_runs_are_found_by_id_too(reader):
    reading = glance(reader, Where(projects=(PLACE,), ids=("other3", "other4")))
    assert sorted(r.id for r in reading.runs) == ["other3", "other4"]
    assert {r.found_by for r in reading.runs} == {"id"}


def test_a_project_that_is_not_there_holds_no_run_and_is_no_trouble(reader):
    reading = glance(reader, Where(projects=(("loopback", "nowhere"), PLACE), token="t1"))
    assert (reading.status, [r.id for r in reading.runs]) == ("read", ["mine"])


def test_one_run_is_read_by_its_path(reader, monkeypatch):
    monkeypatch.setattr("harness.evidence.server.run_parts.PAUSES", ())
    assert [r.id for r in read_one(reader, (*PLACE, "mine"), ("loss",)).runs] == ["mine"]
    missing = read_one(reader, (*PLACE, "nobody"), ("loss",))
    assert (missing.status, missing.runs) == ("read", ())


@real_part
def test_a_verdict_costs_few_requests(backend):
    backend.forget_requests()
    with Reader(backend.url, backend.api_key, os.environ) as reader:
        read(reader, Where(projects=(PLACE,), token="t1", expect=("loss", "acc")))
    assert len(backend.requests) <= 12


def test_listings_wait_until_the_server_shows_what_is_expected(reader):
    looks = []

    def settled(reading):
        looks.append(reading)
        return len(looks) == 3

    reading = read(reader, Where(projects=(PLACE,), token="t1"), settled=settled, patience_s=5)
    assert len(looks) == 3
    assert reading.waited_s > 0


def test_details_are_read_again_until_they_are_complete(reader):
    looks = []

    def complete(run):
        looks.append(run)
        return len(looks) == 2

    reading = read(reader, Where(projects=(PLACE,), token="t1"), complete=complete, patience_s=5)
    assert [run.detailed for run in looks] == [True, True]
    assert reading.runs[0] is looks[1]
    looks.clear()
    read(reader, Where(projects=(PLACE,), token="t1"), complete=lambda run: bool(looks.append(run)), patience_s=0.1)
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (Fault(operation="Runs", status=401), {"auth"}),
        (Fault(operation="Runs", status=403), {"permission"}),
        (Fault(operation="Runs", graphql_errors=("odd",)), {"other", "protocol", "http"}),
        (Fault(operation="Runs", nulls=True), {"not_found"}),
    ],
)
def test_trouble_in_reading_is_told_as_trouble(backend, reader, fault, kinds):
    backend.faults.add(fault)
    reading = glance(reader, Where(projects=(PLACE,), token="t1"))
    if reading.status == "failed":
        assert reading.trouble.kind in kinds
        assert backend.api_key not in reading.trouble.text
    else:
        assert "not_found" in kinds
        assert reading.runs == ()


@pytest.mark.parametrize("depth", [1, 2])
def test_an_answer_of_null_in_place_of_the_files_is_no_run_without_files(backend, reader, depth, monkeypatch):
    monkeypatch.setattr("harness.evidence.server.run_parts.PAUSES", ())
    backend.faults.add(Fault(operation="RunFiles", nulls=True, null_depth=depth))
    reading = read(reader, Where(projects=(PLACE,), token="t1"))
    assert "files" in {trouble.where for trouble in reading.partial}


@real_part
def test_a_server_that_never_answers_is_given_up_in_time(backend):
    with Reader(backend.url, backend.api_key, os.environ, timeout_s=2) as reader:
        backend.faults.add(Fault(operation="Runs", hang=True))
        reading = glance(reader, Where(projects=(PLACE,), token="t1"))
        backend.faults.clear()
    assert reading.status == "failed"
    assert reading.trouble.kind == "timeout"


@real_part
def test_the_key_is_in_no_argument_of_the_worker(backend):
    with Reader(backend.url, backend.api_key, os.environ) as reader:
        reader.ask("hello")
        arguments = Path(f"/proc/{reader._process.pid}/cmdline").read_text()
    assert backend.api_key not in arguments


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CommError: user is not logged in", "auth"),
        ("AuthenticationError: Failed to verify credentials: dial tcp: lookup x: no such host", "dns"),
        ("CommError: dial tcp 127.0.0.1:1: connect: connection refused", "refused"),
        ("x509: certificate signed by unknown authority", "tls"),
        ("the service process is busy and did not respond in time", "timeout"),
        ("ValueError: Could not find run <Run a/b/c>", "not_found"),
        ("HTTP 502: bad gateway", "http"),
    ],
)
def test_trouble_is_typed_by_its_text_since_the_class_misleads(text, kind):
    assert trouble_of({"type": "AuthenticationError", "text": text}, "find").kind == kind


def test_words_that_the_sdk_says_after_its_server_are_said_once():
    answer = 'returned error 404: {"message": "entity nobody not found"}'
    error = ValueError(f"Error: {answer}")
    error.__cause__ = RuntimeError(answer)
    error.__cause__.__cause__ = OSError("no route")
    assert describe(error)["text"] == f"ValueError: Error: {answer} <- RuntimeError <- OSError: no route"


def test_a_key_at_the_end_of_long_words_is_not_halved():
    shown = describe(ValueError("x " * 290 + KEY + " and more"))["text"]
    assert KEY[:8] not in shown
    assert shown.startswith("ValueError: x x")


def test_a_reader_that_is_closed_starts_no_process_again():
    with Reader("http://127.0.0.1:9", "k" * 40, os.environ) as reader:
        pass
    with pytest.raises(ReadingFailed, match="closed"):
        reader.ask("hello")


@real_part
def test_a_question_under_way_does_not_hold_up_the_end(monkeypatch):
    with LoopbackServer() as server, ThreadPoolExecutor(1) as pool:
        server.faults.add(Fault(hang=True))
        with Reader(server.url, server.api_key, os.environ) as reader:
            asked = pool.submit(reader.ask, "viewer")
            assert wait_until(server.faults.hits, 60)
        with pytest.raises(ReadingFailed):
            asked.result(0.5)
