"""A bundle holds what support needs in one file, says what it lacks, and can be judged again."""

import json
import zipfile

import pytest

from harness.commands.bundle import main, pack, tail
from harness.evidence.models import ScriptSource
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.redaction.scrubbing import Scrubber
from harness.settings.model import SettingsError
from harness.verification.saved_evidence import load
from tests.judging.build import evidence, job, local, local_run, server, server_run, setup

KEY = "0123456789abcdef" * 2 + "01234567"
SECRETS = (KEY, "wandb_v1_abcdefgh1234", "someone@csc.example.fi", "hunter2hunter2", "/private/place")


@pytest.fixture
def report(tmp_path):
    """A report folder whose every document and log holds what must not be sent."""
    folder = tmp_path / "report"
    run_dir = tmp_path / "wandb" / "run-20261123_120000-abcd1234"
    (run_dir / "logs").mkdir(parents=True)
    folder.mkdir()
    told = f"user someone@csc.example.fi with wandb_v1_abcdefgh1234 and {KEY}"
    (run_dir / "logs" / "debug-internal.log").write_text(f'{{"level":"INFO","msg":"{told}"}}\n')
    shown = job(told, "GREETING=hunter2hunter2", "WANDB_MODE=online")
    settings = {"learning_rate": 0.1, "hf_token": "hunter2hunter2"}
    reading = server(server_run(config=settings, name=told))
    found = evidence(job=shown, local=local(local_run(path=str(run_dir))), server=reading)
    (folder / "evidence.json").write_text(found.model_dump_json())
    (folder / "verdict.json").write_text(json.dumps({"verdict": "failed", "findings": [{"observed": [told]}]}))
    (folder / "summary.md").write_text(told)
    lines = (
        told, "GREETING=hunter2hunter2", "[default0]:PLACE=/private/place", "export secret_place=/private/place",
        "environ({'PLACE': '/private/place', 'WANDB_MODE': 'online'})", "WANDB_MODE=online", "Epoch 1, Loss: 2.0",
    )  # fmt: skip
    (folder / "job.log").write_text("\n".join(lines) + "\n")
    (folder / "report.html").write_text("<html>")
    return folder


def unpacked(path) -> dict[str, str]:
    """Texts in a bundle by name."""
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def test_nothing_personal_is_in_it_and_what_matters_stays(report, tmp_path):
    pack(report, tmp_path / "b.zip", {})
    texts = unpacked(tmp_path / "b.zip")
    for name, text in texts.items():
        assert not [secret for secret in SECRETS if secret in text], name
    assert {"evidence.json", "verdict.json", "summary.md", "job.log"} < texts.keys()
    assert "runs/run-20261123_120000-abcd1234/debug-internal.log" in texts
    assert "Epoch 1, Loss: 2.0" in texts["job.log"]
    assert "WANDB_MODE=online" in texts["job.log"]
    assert "'WANDB_MODE': 'online'" in texts["job.log"]


def test_the_script_stays_at_home(tmp_path):
    told = setup().model_copy(update={"source": ScriptSource(path="train.py", text="PLACE = 'our own recipe'\n")})
    (tmp_path / "evidence.json").write_text(evidence(setup=told).model_dump_json())
    pack(tmp_path, tmp_path / "support.zip", {})
    with zipfile.ZipFile(tmp_path / "support.zip") as bundle:
        assert "recipe" not in bundle.read("evidence.json").decode()


def test_contents_list_what_was_left_out(report, tmp_path):
    contents = pack(report, tmp_path / "b.zip", {})
    assert unpacked(tmp_path / "b.zip")["CONTENTS.txt"] == contents
    left_out = contents.partition("left out:")[2]
    assert "report.html" in left_out
    assert "run-abcd1234.wandb: 4,000 bytes" in left_out
    assert "variables whose values were replaced: GREETING, PLACE, secret_place" in left_out
    assert "e-mail addresses: " in left_out


def test_a_secret_of_this_environment_is_taken_out(report, tmp_path):
    (report / "job.log").write_text("it is xyzzy-plugh-42\n")
    pack(report, tmp_path / "b.zip", {"MY_SERVICE_TOKEN": "xyzzy-plugh-42"})
    assert "xyzzy" not in unpacked(tmp_path / "b.zip")["job.log"]


def test_a_bundle_is_judged_again_as_its_evidence_was(report, tmp_path):
    pack(report, tmp_path / "b.zip", {})
    before, after = load(report / "evidence.json"), load(tmp_path / "b.zip")
    assert after.request == before.request
    assert [run.rows for run in after.server.runs] == [run.rows for run in before.server.runs]


def test_long_logs_are_cut_at_a_line_and_the_cut_is_listed(report, tmp_path):
    (report / "job.log").write_text("".join(f"line {n:06}\n" for n in range(40_000)))
    contents = pack(report, tmp_path / "b.zip", {})
    kept = unpacked(tmp_path / "b.zip")["job.log"]
    assert kept.endswith("line 039999\n")
    assert kept.startswith("line ")
    assert f"job.log: its first {40_000 * 12 - len(kept):,} bytes" in contents


def test_tail_of_what_is_not_there(tmp_path):
    assert tail(tmp_path / "nowhere", 10) is None


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("GREETING=hello", "GREETING=[left out]"),
        ("+ GREETING=hello there", "+ GREETING=[left out]"),
        ("++ export GREETING=hello", "++ export GREETING=[left out]"),
        ("{'GREETING': 'hello', 'WANDB_MODE': 'online'}", "{'GREETING': '[left out]', 'WANDB_MODE': 'online'}"),
        ('{"GREETING": "say \\"hi\\"", "A": "b"}', '{"GREETING": "[left out]", "A": "b"}'),
        ("{'GREETING': \"it's\"}", "{'GREETING': \"[left out]\"}"),
        ('{"msg":"{\\"GREETING\\": \\"hello\\"}"}', '{"msg":"{\\"GREETING\\": \\"[left out]\\"}"}'),
        ("SLURM_JOB_ID=77", "SLURM_JOB_ID=77"),
        ("lr=0.001", "lr=0.001"),
        ("declare -x greeting=hello", "declare -x greeting=[left out]"),
        ("ask me@here.example.org.", "ask [e-mail]."),
        ("--8<-- -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- rest", "--8<-- [redacted] rest"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "[redacted]"),
        ("File train.py, line 3: x = a@b", "File train.py, line 3: x = a@b"),
    ],
)
def test_scrubbing(text, scrubbed):
    assert Scrubber(Redactor()).text(text) == scrubbed


def test_every_file_of_a_pattern_is_packed_and_one_that_cannot_be_read_is_listed(report, tmp_path):
    (report / "job.log").unlink()
    for rank in range(3):
        (tmp_path / f"rank-{rank}.log").write_text(f"rank {rank} has {KEY}\n")
    shown = job("x")
    told = shown.output.model_copy(update={"path": str(tmp_path / "rank-*.log")})
    found = evidence(job=shown.model_copy(update={"output": told}))
    (report / "evidence.json").write_text(found.model_dump_json())
    contents = pack(report, tmp_path / "b.zip", {})
    texts = unpacked(tmp_path / "b.zip")
    assert [texts[f"job/rank-{rank}.log"] for rank in range(3)] == [
        f"rank {rank} has [redacted]\n" for rank in range(3)
    ]
    assert "rank-" not in contents.partition("left out:")[2]
    for rank in range(3):
        (tmp_path / f"rank-{rank}.log").unlink()
    assert f"job.log: {tmp_path}/rank-*.log cannot be read" in pack(report, tmp_path / "b.zip", {})


def test_many_files_of_a_pattern_are_bounded(report, tmp_path):
    (report / "job.log").unlink()
    for rank in range(40):
        (tmp_path / f"rank-{rank:02}.log").write_text("a line\n" * 5000)
    shown = job("x")
    told = shown.output.model_copy(update={"path": str(tmp_path / "rank-*.log")})
    (report / "evidence.json").write_text(evidence(job=shown.model_copy(update={"output": told})).model_dump_json())
    contents = pack(report, tmp_path / "b.zip", {})
    packed = {n: t for n, t in unpacked(tmp_path / "b.zip").items() if n.startswith("job/")}
    assert len(packed) == 32
    assert sum(map(len, packed.values())) < 1_000_000
    assert "rank-*.log: 8 further files" in contents


def test_a_run_directory_without_logs_is_listed(report, tmp_path):
    (tmp_path / "wandb" / "run-20261123_120000-abcd1234" / "logs" / "debug-internal.log").unlink()
    assert "the SDK's logs are not there, or cannot be read" in pack(report, tmp_path / "b.zip", {})


def test_wrong_usage_is_one_sentence_and_exit_code_4(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--nope"])
    assert ended.value.code == 4
    assert capsys.readouterr().err == "lumi-wandb bundle: there is no option --nope; --help lists them.\n"


def test_nothing_to_pack_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 4
    assert main([str(tmp_path)]) == 4
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all("name the report folder" in line for line in told)


def test_the_newest_report_is_packed_into_the_current_folder(report, tmp_path, capsys, monkeypatch):
    (tmp_path / ".harness").mkdir()
    report.rename(tmp_path / ".harness" / "20261123-191500-3f9a21")
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert (tmp_path / "wandb-bundle-20261123-191500-3f9a21.zip").is_file()
    assert "Look through it before you send it." in capsys.readouterr().out


def test_no_room_is_one_sentence(report, tmp_path, capsys):
    assert main([str(report), "--output", str(tmp_path / "nowhere" / "b.zip")]) == 4
    assert "name another file with --output" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["changed", "cut short"])
def test_a_bundle_that_was_damaged_on_its_way_is_one_sentence(report, tmp_path, damage):
    pack(report, tmp_path / "b.zip", {})
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        start = bundle.getinfo("evidence.json").header_offset
    raw = bytearray((tmp_path / "b.zip").read_bytes())
    if damage == "changed":
        for place in range(start + 60, start + 70):
            raw[place] ^= 0xFF
    else:
        # The list at the end still names more than there is.
        with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_STORED) as bundle:
            bundle.writestr("evidence.json", "{}")
        raw = bytearray((tmp_path / "c.zip").read_bytes())
        raw[(listed := raw.rindex(b"PK\x01\x02")) + 20 : listed + 28] = (b"\xff\xff\x00\x00") * 2
    (tmp_path / "b.zip").write_bytes(raw)
    with pytest.raises(
        SettingsError,
        match=r"b\.zip is not evidence that this version can read \(.+copy it again\); give an evidence\.json",
    ):
        load(tmp_path / "b.zip")


def test_a_zip_that_is_no_bundle_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as other:
        other.writestr("a.txt", "a")
    with pytest.raises(SettingsError, match=r"\(no evidence\.json is in it\); give an evidence\.json, or a bundle"):
        load(tmp_path / "x.zip")
