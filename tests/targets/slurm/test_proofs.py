"""The table of proofs is whole: each fault of the job family, a test that exists, and the catalogue says the same."""

from __future__ import annotations

import re

from harness.judging.catalogue import catalogue
from tests.repository import REPOSITORY as CLONE
from tests.slurm.proofs import PROOFS, REAL, main
from tests.slurm.test_job_faults import CASES

JOB = {e.id: e for e in catalogue().values() if e.family == "job"}


def test_every_fault_of_the_family_is_in_the_table():
    assert set(PROOFS) == set(JOB)


def test_the_catalogue_claims_no_more_and_no_less():
    assert {f for f, e in JOB.items() if e.proof == "real_slurm"} == {f for f, p in PROOFS.items() if p.how in REAL}


def test_each_test_is_there_and_is_about_its_fault():
    for fault, proof in PROOFS.items():
        file, _, rest = proof.test.partition("::")
        text = (CLONE / file).read_text(encoding="utf-8")
        name, case = re.fullmatch(r"(\w*)(?:\[(.*)\])?", rest).groups()
        assert not name or f"def {name}(" in text, fault
        if case:
            assert [c.cause for c in CASES if c.name == case] == [fault]
        else:
            assert f'"{fault}"' in text, fault


def test_the_table_is_printed(capsys):
    main()
    told = capsys.readouterr().out
    assert "test_fault_is_named[time-limit]" in told
    assert all(fault in told for fault in PROOFS)
