"""Rules of the family init about settings files that the SDK drops, and values that it refuses."""

from __future__ import annotations

import pytest

from harness.evidence.models import Evidence, Mode, Request, SdkSettings, SettingProblem, Trouble
from harness.judging.families.init import rules as init
from harness.judging.findings import diagnose
from tests.judging.build import evidence, hits, job, no_run, output, setup
from tests.judging.endings import died

FILE = "/scratch/me/wandb/settings"
UNKNOWN = SettingProblem(
    setting="no_such_setting", text="Extra inputs are not permitted", where=FILE, outcome="files_ignored"
)
TIMEOUT = "x_graphql_timeout_seconds"
WORDS = "Input should be a valid number, unable to parse string as a number"
ABC = SettingProblem(setting=TIMEOUT, text=WORDS, where="WANDB_HTTP_TIMEOUT", outcome="refused")
MESSAGE = f"1 validation error for Settings\n{TIMEOUT}\n  {WORDS} [type=float_parsing, input_type=str]"
VALIDATION = "pydantic_core._pydantic_core.ValidationError"


def told(*problems: SettingProblem, mode: str | None = "online") -> SdkSettings:
    return SdkSettings(mode=mode, problems=problems)


def test_a_dropped_file_is_named_with_its_key():
    found = evidence(setup=setup(sdk=told(UNKNOWN)))
    hit = hits(init.RULES, found)["init-settings-file-ignored"]
    assert hit.observed == (f"{FILE}: no_such_setting: Extra inputs are not permitted",)
    finding = next(f for f in diagnose(found) if f.id == "init-settings-file-ignored")
    assert finding.title == f"The SDK ignores {FILE}: it does not take no_such_setting"
    assert f"sed -i '/^ *no_such_setting *[=:]/d' {FILE}" in finding.advice[0]
    assert finding.severity == "warning"


def test_several_keys_are_told_together():
    more = [UNKNOWN.model_copy(update={"setting": name}) for name in ("b", "c")]
    hit = hits(init.RULES, evidence(setup=setup(sdk=told(UNKNOWN, *more))))["init-settings-file-ignored"]
    assert hit.values["why"] == ": it does not take no_such_setting, b and c"


def test_a_file_that_cannot_be_read_is_looked_at():
    why = SettingProblem(setting="", text="not a settings file", where=FILE, outcome="file_unreadable")
    hit = hits(init.RULES, evidence(setup=setup(sdk=told(why))))["init-settings-file-ignored"]
    assert (hit.values["why"], hit.values["mend"]) == (", which it cannot read", f"cat {FILE}")


@pytest.mark.parametrize("sdk", [None, SdkSettings(trouble=Trouble(kind="timeout", text="no answer within 20 s"))])
def test_without_the_sdks_word_what_was_read_here_tells(sdk):
    mode = Mode(file_troubles=(Trouble(kind="protocol", text="not a settings file", where=FILE),))
    hit = hits(init.RULES, evidence(setup=setup(sdk=sdk, mode=mode)))["init-settings-file-ignored"]
    assert hit.observed == (f"{FILE}: not a settings file",)


def test_the_sdks_word_beats_what_was_read_here():
    mode = Mode(file_troubles=(Trouble(kind="protocol", text="not a settings file", where=FILE),))
    assert hits(init.RULES, evidence(setup=setup(sdk=told(), mode=mode))) == {}
    refused = told(ABC, mode=None)
    assert "init-settings-file-ignored" not in hits(init.RULES, evidence(setup=setup(sdk=refused, mode=mode)))


PRINTED = (
    f"wandb: Loading settings from {FILE}\nwandb: ERROR 1 validation error for Settings\n"
    "wandb: ERROR no_such_setting\nwandb: ERROR   Extra inputs are not permitted [type=extra_forbidden, input_type=str]"
)
TWO_FILES = PRINTED.replace(f"from {FILE}", f"from \nwandb:   /home/me/settings\nwandb:   {FILE}")


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        (PRINTED, f"{FILE}: no_such_setting: Extra inputs are not permitted"),
        (TWO_FILES, f"/home/me/settings, {FILE}: no_such_setting: Extra inputs are not permitted"),
        (f"wandb: WARNING Error reading settings at {FILE}: File contains no section headers.",
         f"{FILE}: File contains no section headers."),
    ],
)  # fmt: skip
def test_of_a_job_that_ran_already_its_output_tells(text, observed):
    found = Evidence(request=Request(source="job_log"), job=job(output=output(text)))
    assert hits(init.RULES, found)["init-settings-file-ignored"].observed == (observed,)


def test_a_settings_file_that_is_taken_is_no_finding():
    text = f"wandb: Loading settings from {FILE}\nwandb: Tracking run with wandb version 0.31.0"
    assert hits(init.RULES, Evidence(request=Request(source="job_log"), job=job(output=output(text)))) == {}


def test_a_refused_variable_is_named():
    found = died(MESSAGE, VALIDATION, setup=setup(sdk=told(ABC, mode=None)))
    hit = hits(init.RULES, found)["init-setting-refused"]
    assert hit.observed[0] == f"WANDB_HTTP_TIMEOUT: {TIMEOUT}: {WORDS}"
    finding = next(f for f in diagnose(found) if f.id == "init-setting-refused")
    assert finding.title == f"wandb.init() refuses WANDB_HTTP_TIMEOUT: {TIMEOUT}: {WORDS}"
    assert "unset WANDB_HTTP_TIMEOUT" in finding.advice[0]


def test_a_refused_line_of_a_file_is_taken_out():
    why = UNKNOWN.model_copy(update={"outcome": "refused"})
    found = died(
        "1 validation error for Settings\nno_such_setting\n  x", VALIDATION, setup=setup(sdk=told(why, mode=None))
    )
    assert hits(init.RULES, found)["init-setting-refused"].values["mend"].endswith(f"/d' {FILE}")


@pytest.mark.parametrize(("where", "mend"), [(FILE, f"grep -n . {FILE}"), ("", "env | grep ^WANDB_")])
def test_a_problem_without_a_setting_is_looked_for_where_it_stands(where, mend):
    why = SettingProblem(setting="", text="an odd value", where=where, outcome="refused")
    found = evidence(setup=setup(sdk=told(why, mode=None)), job=None)
    found = found.model_copy(update={"local": no_run().local, "server": no_run().server})
    assert hits(init.RULES, found)["init-setting-refused"].values["mend"] == mend


def test_a_file_over_which_the_sdk_stumbles_is_known_by_the_kind_of_error():
    why = SettingProblem(setting="", text="InterpolationSyntaxError", where=FILE, outcome="refused")
    found = died(
        "'%' must be followed by '%'", "configparser.InterpolationSyntaxError", setup=setup(sdk=told(why, mode=None))
    )
    hit = hits(init.RULES, found)["init-setting-refused"]
    assert (hit.values["place"], hit.values["mend"]) == (FILE, f"sed -i 's/%%*/%%/g' {FILE}")


def test_before_the_job_ran_the_sdks_word_is_enough():
    found = evidence(setup=setup(sdk=told(ABC, mode=None)), job=None)
    found = found.model_copy(update={"local": no_run().local, "server": no_run().server})
    assert "init-setting-refused" in hits(init.RULES, found)


def test_without_the_sdks_word_the_traceback_tells():
    hit = hits(init.RULES, died(MESSAGE, VALIDATION))["init-setting-refused"]
    assert (hit.values["setting"], hit.values["words"]) == (f"{TIMEOUT}: ", WORDS)


@pytest.mark.parametrize(
    "found",
    [
        died(MESSAGE, VALIDATION, frame='File "/scratch/me/config.py", line 3, in load'),
        died("boom", "ValueError", setup=setup(sdk=told(ABC, mode=None))),
        evidence(setup=setup(sdk=told(ABC, mode=None))),
        died(MESSAGE.replace(TIMEOUT, "mode"), VALIDATION),
    ],
    ids=["a class of the user's", "another crash", "the script changed it", "a mode has its own fault"],
)
def test_what_is_no_refusal_of_the_sdk(found):
    assert "init-setting-refused" not in hits(init.RULES, found)
