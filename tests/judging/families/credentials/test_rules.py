"""The rules about keys: each fires on its own evidence and is silent on its nearest neighbour."""

import pytest

from harness.evidence.models import HttpTrouble, JobPython, Place, Request, SdkLogs, Trouble
from harness.judging.families.credentials import rules as credentials
from harness.judging.findings import diagnose
from tests.judging import build as b

NO_KEY_NEW = "wandb.errors.errors.UsageError: No API key configured. Use `wandb login` to log in."
NO_KEY_OLD = "wandb.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])"
OTHER_HOST = b.key("netrc", host="api.wandb.ai", matches_server=False)


def keys(*sources, **change):
    return b.setup(credentials=b.with_keys(*sources, **change))


def before(**change):
    """Preflight alone, with these changes to the setup."""
    return b.not_started(setup=b.setup(**change))


def printed(*texts, **change):
    """A job that died printing these lines, with a good key here."""
    return b.no_run(job=b.job(*texts, ending="failed"), **change)


def own_server(*sources, **change):
    return b.setup(
        credentials=b.with_keys(*sources, **change),
        network=b.network(base_url="https://wandb.example.org", base_url_source="WANDB_BASE_URL"),
    )


CASES = {
    "nothing anywhere": (b.not_started(setup=keys()), "auth-no-key"),
    "variable set but empty": (b.not_started(setup=keys(b.key(length=0, problem="empty"))), "auth-no-key"),
    "the job says so, newer words": (printed(NO_KEY_NEW), "auth-no-key"),
    "the job says so, older words": (printed(NO_KEY_OLD), "auth-no-key"),
    "only a GitHub entry in netrc": (
        b.not_started(setup=keys(b.key("netrc", host="github.com", matches_server=False))),
        "auth-no-key",
    ),
    "netrc for the cloud, own server": (b.not_started(setup=own_server(OTHER_HOST)), "auth-netrc-host-mismatch"),
    "netrc machine wandb.ai": (
        b.not_started(setup=keys(b.key("netrc", host="wandb.ai", matches_server=False))),
        "auth-netrc-host-mismatch",
    ),
    "netrc with a key's length for a server that is not W&B's": (
        b.not_started(setup=keys(b.key("netrc", host="own.example.org", matches_server=False))),
        "auth-netrc-host-mismatch",
    ),
    "netrc with a short password for another server": (
        b.not_started(setup=keys(b.key("netrc", host="own.example.org", matches_server=False, length=39))),
        "auth-no-key",
    ),
    "netrc with a broken key for the cloud, own server": (
        b.not_started(setup=own_server(b.key("netrc", matches_server=False, length=6, problem="too_short"))),
        "auth-netrc-host-mismatch",
    ),
    "netrc not readable": (
        b.not_started(
            setup=keys(b.key("netrc", length=0, trouble=Trouble(kind="permission", text="Permission denied")))
        ),
        "auth-netrc-unreadable",
    ),
    "netrc entry without a password": (
        b.not_started(setup=keys(b.key("netrc", length=0, problem="empty"))),
        "auth-netrc-unreadable",
    ),
    "NETRC names a missing file": (
        before(credentials=b.with_keys(), place=Place(variables={"NETRC": "/nowhere"})),
        "auth-netrc-unreadable",
    ),
    "netrc trouble told by the job": (
        printed("wandb: WARNING Failed to read netrc file at /x/.netrc: [Errno 13] Permission denied", NO_KEY_NEW),
        "auth-netrc-unreadable",
    ),
    "home is not there": (b.not_started(setup=keys(home="/nope", home_exists=False)), "auth-home-not-in-container"),
    "home missing in the job only": (
        printed('2026/11/23 06:23:53 ERROR main: failed to get logger path error="mkdir /x"', NO_KEY_NEW),
        "auth-home-not-in-container",
    ),
    "key too short": (b.not_started(setup=keys(b.key(length=6, problem="too_short"))), "auth-key-too-short"),
    "key too short, said": (
        printed("AuthenticationError: WANDB_API_KEY invalid: API key must have 40+ characters, has 6."),
        "auth-key-too-short",
    ),
    "key too short for an old login": (
        printed("wandb: ERROR API key must be 40 characters long, yours was 6"),
        "auth-key-too-short",
    ),
    "long key and old SDK": (
        printed("wandb: ERROR API key must be 40 characters long, yours was 86"),
        "auth-key-86-old-sdk",
    ),
    "key with one character too many for an old SDK": (
        printed("wandb: ERROR API key must be 40 characters long, yours was 41"),
        "auth-key-86-old-sdk",
    ),
    "long key and old netrc writer": (
        printed("ValueError: API-key must be exactly 40 characters long: *** (86 chars)"),
        "auth-key-86-old-sdk",
    ),
    "quotes kept": (b.not_started(setup=keys(b.key(length=42, problem="quotes"))), "auth-key-illegal-chars"),
    "placeholder": (b.not_started(setup=keys(b.key(length=14, problem="placeholder"))), "auth-key-illegal-chars"),
    "newline kept": (b.not_started(setup=keys(b.key(length=41, problem="whitespace"))), "auth-key-whitespace"),
    "newline kept, said": (
        printed("wandb.errors.errors.UsageError: API key cannot start or end with whitespace"),
        "auth-key-whitespace",
    ),
    "401 at the probe": (before(network=b.refused("viewer")), "auth-key-rejected-401"),
    "401 said by the job": (printed("wandb.errors.errors.CommError: user is not logged in"), "auth-key-rejected-401"),
    "401 said by a job that brings its own key": (
        printed(
            "wandb.errors.errors.CommError: user is not logged in",
            setup=b.setup(credentials=b.with_keys(), script_sets_key=True),
        ),
        "auth-key-rejected-401",
    ),
    "401 to the job's own key, of which a run directory is left": (
        b.no_run(
            setup=b.setup(credentials=b.with_keys(), script_sets_key=True),
            local=b.local(b.run_with_http(b.http("user is not logged in", 401))),
        ),
        "auth-key-rejected-401",
    ),
    "the script speaks of a key, and the job found none": (
        printed(NO_KEY_NEW, setup=b.setup(credentials=b.with_keys(), script_sets_key=True)),
        "auth-no-key",
    ),
    "401 said by 0.19": (
        printed("wandb: ERROR failed to upsert bucket: returned error 401 Unauthorized: {}"),
        "auth-key-rejected-401",
    ),
    "401 in the logs of wandb-core": (
        b.no_run(
            local=b.local(b.local_run(sdk_logs=SdkLogs(http=(HttpTrouble(status=401, path="/graphql"),)))),
        ),
        "auth-key-rejected-401",
    ),
    "malformed key refused by an old SDK": (
        b.no_run(
            setup=keys(b.key(length=6, problem="too_short")),
            job=b.job("wandb: ERROR failed to upsert bucket: returned error 401 Unauthorized", ending="failed"),
        ),
        "auth-key-too-short",
    ),
    "stale variable hides netrc": (
        before(
            network=b.refused("viewer"),
            credentials=b.with_keys(b.key(fingerprint="a" * 8), b.key("netrc", fingerprint="b" * 8)),
        ),
        "auth-env-overrides-netrc",
    ),
    "same key twice, refused": (
        before(network=b.refused("viewer"), credentials=b.with_keys(b.key(), b.key("netrc"))),
        "auth-key-rejected-401",
    ),
    "web address in place of the API's": (
        before(network=b.network(base_url="https://wandb.ai", base_url_problem="did you mean https://api.wandb.ai?")),
        "auth-base-url-invalid",
    ),
    "address without scheme, said": (
        printed(
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
            "base_url",
            "  Input should be a valid URL, relative URL without a base [type=url_parsing]",
        ),
        "auth-base-url-invalid",
    ),
    "two ways of logging in, said": (
        printed("wandb.errors.errors.UsageError: Both WANDB_API_KEY and WANDB_IDENTITY_TOKEN_FILE are set"),
        "auth-two-credentials",
    ),
    "two ways of logging in": (
        b.not_started(setup=keys(b.key(), b.key("identity_token"))),
        "auth-two-credentials",
    ),
}


@pytest.mark.parametrize(("evidence", "fault"), CASES.values(), ids=CASES)
def test_nothing_else_is_said(evidence, fault):
    assert b.leading(evidence, credentials.RULES) == [fault]


SILENT = {
    "healthy": b.evidence(),
    "healthy with an unused netrc entry": b.evidence(setup=keys(b.key(), OTHER_HOST)),
    "healthy with the same key in netrc": b.evidence(setup=keys(b.key(), b.key("netrc"))),
    "healthy preflight": b.not_started(),
    "an address of somebody else's is no URL": printed("pydantic: dataset_url", "Input should be a valid URL"),
    "the script brings its own key": b.not_started(setup=b.setup(credentials=b.with_keys(), script_sets_key=True)),
    "the script brought its own key": b.evidence(setup=b.setup(credentials=b.with_keys(), script_sets_key=True)),
    "no key needed offline": b.evidence(
        request=Request(server="none", offline=True),
        setup=keys(),
        local=b.local(b.local_run(offline=True)),
        server=b.server(),
    ),
    "a key for sync is another matter": printed("Error: No API key configured. Use `wandb login` to log in."),
    "the server is away": before(network=b.refused("tcp", kind="refused", text="Connection refused", status=None)),
    "permission denied is no bad key": before(
        network=b.refused("project", kind="http", text="permission denied", status=403)
    ),
    "validation error of another setting": printed(
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
        "mode",
        "  Input should be 'online'",
    ),
    "two ways of logging in, an SDK that does not mind": b.evidence(setup=keys(b.key(), b.key("identity_token"))),
    "a server in trouble is no bad key": b.no_run(local=b.local(b.run_with_http(b.http("bad gateway", 502)))),
    "a file that was refused is no bad key": b.no_run(
        local=b.local(b.run_with_http(b.http("denied", 401, "/storage/team/vit/config.yaml")))
    ),
}


@pytest.mark.parametrize("evidence", SILENT.values(), ids=SILENT)
def test_silent(evidence):
    assert diagnose(evidence, credentials.RULES) == ()


def test_advice_names_the_users_own_server_and_file():
    found = diagnose(b.not_started(setup=own_server(OTHER_HOST)), credentials.RULES)[0]
    text = " ".join((found.title, *found.advice, *found.observed))
    assert "wandb login --host https://wandb.example.org" in text
    assert "The key in /users/me/.netrc is for api.wandb.ai, but the job talks to wandb.example.org" in text
    assert found.observed == (
        "/users/me/.netrc has keys for: api.wandb.ai.",
        "Server in use: https://wandb.example.org (WANDB_BASE_URL).",
    )
    usual = diagnose(
        b.not_started(setup=keys(b.key("netrc", host="wandb.ai", matches_server=False))), credentials.RULES
    )
    assert usual[0].observed[1] == "Server in use: https://api.wandb.ai."


CLOSED = b.refused("viewer")
SETTINGS = "/users/me/.config/wandb/settings"
ENVIRONMENT = "WANDB_API_KEY in the environment (your shell, .bashrc, or the batch script)"
LOG_ALONE = b.evidence(
    request=Request(source="job_log", server="none", target="none"),
    setup=None,
    job=b.job("wandb.errors.errors.CommError: user is not logged in"),
    local=b.local(),
    server=b.server(),
)


@pytest.mark.parametrize(
    ("evidence", "place"),
    [
        (before(network=CLOSED, credentials=b.with_keys(b.key())), ENVIRONMENT),
        (before(network=CLOSED, credentials=b.with_keys(b.key("netrc"))), "/users/me/.netrc (machine api.wandb.ai)"),
        (before(network=CLOSED, credentials=b.with_keys(b.key("settings", path=SETTINGS))), SETTINGS),
        (
            before(network=CLOSED, credentials=b.with_keys(b.key("the job's own environment"))),
            "the job's own environment: what Python (sitecustomize) or its container makes of what was given to it",
        ),
        # The server takes the key that is here: the refused one is the job's own.
        (printed("wandb.errors.errors.CommError: user is not logged in"), "train.py"),
        (printed("user is not logged in", setup=keys(b.key(), b.key("netrc", fingerprint="b" * 8))), "train.py"),
        (LOG_ALONE, "the job's own environment"),
    ],
)
def test_a_refused_key_is_to_be_renewed_where_it_stands(evidence, place):
    found = diagnose(evidence, credentials.RULES)
    assert [f.id for f in found] == ["auth-key-rejected-401"]
    assert found[0].advice[-1] == f"The refused key comes from {place}. Replace it there."


@pytest.mark.parametrize(
    "netrc",
    [
        {"fingerprint": "b" * 8, "matches_server": False},
        {"fingerprint": "b" * 8, "length": 6, "problem": "too_short"},
        {"fingerprint": None, "length": 0, "trouble": Trouble(kind="permission", text="Permission denied")},
    ],
    ids=["another server's", "no key by its form", "not to be read"],
)
def test_a_refused_variable_hides_no_better_key(netrc):
    found = before(network=CLOSED, credentials=b.with_keys(b.key(fingerprint="a" * 8), b.key("netrc", **netrc)))
    assert "auth-env-overrides-netrc" not in b.hits(credentials.RULES, found)


@pytest.mark.parametrize(
    ("trouble", "line"),
    [
        ((401, "user is not logged in"), "Asked who the key belongs to: 401 user is not logged in"),
        ((None, "the server knows no user for this key"),
         "Asked who the key belongs to: the server knows no user for this key"),
    ],
)  # fmt: skip
def test_what_the_server_answered_to_the_key_is_told(trouble, line):
    found = diagnose(before(network=b.refused("viewer", status=trouble[0], text=trouble[1])), credentials.RULES)
    assert found[0].observed == (line,)


UNSET = "WANDB_API_KEY is not set."


@pytest.mark.parametrize(
    ("evidence", "observed"),
    [
        (b.not_started(setup=keys()), (UNSET, "/users/me/.netrc does not exist.")),
        (b.not_started(setup=keys(netrc_exists=True)), (UNSET, "/users/me/.netrc has no entry for this server.")),
        (
            b.not_started(setup=keys(b.key(length=0, problem="empty"))),
            ("WANDB_API_KEY is set but empty.", "/users/me/.netrc does not exist."),
        ),
        (
            printed(NO_KEY_NEW),
            (NO_KEY_NEW, f"There is a key here, in {ENVIRONMENT}, but the job did not see it."),
        ),
        (LOG_ALONE.model_copy(update={"job": b.job(NO_KEY_OLD)}), (NO_KEY_OLD,)),
    ],
)
def test_where_a_key_was_looked_for_is_told(evidence, observed):
    assert diagnose(evidence, credentials.RULES)[0].observed == observed


TOO_SHORT = "AuthenticationError: WANDB_API_KEY invalid: API key must have 40+ characters, has 6."


@pytest.mark.parametrize(
    ("setup", "title", "place"),
    [
        (keys(b.key("netrc", length=6, problem="too_short")), "netrc is too short: 6",
         "/users/me/.netrc (machine api.wandb.ai)"),
        (keys(b.key()), "train.py is too short: 6", "train.py"),
        (b.setup(credentials=b.with_keys(), script_sets_key=True), "train.py is too short: 6", "train.py"),
    ],
    ids=["the one here", "the one here is good", "none here"],
)  # fmt: skip
def test_a_malformed_key_is_to_be_replaced_where_it_stands(setup, title, place):
    found = diagnose(printed(TOO_SHORT, setup=setup), credentials.RULES)[0]
    assert title in found.title
    assert found.advice[-1] == f"Replace the short key here: {place}."


@pytest.mark.parametrize(("version", "refuses"), [("0.23.0", False), ("0.23.1", True), ("0.24.0", True), (None, True)])
def test_newer_sdks_refuse_a_key_and_a_token_together(version, refuses):
    python = JobPython(executable="python", wandb_version=version, wandb_kind="package")
    both = b.with_keys(b.key(), b.key("identity_token"))
    found = diagnose(before(credentials=both, python=python), credentials.RULES)
    assert [f.observed for f in found] == [("Both variables are set in the job's environment.",)] * refuses


@pytest.mark.parametrize(
    ("step", "words", "likely"),
    [
        ("tls", "wrong version number", "http://own.example"),
        ("http", "no W&B server answers at this address", "https://own.example"),
    ],
)
def test_something_else_answers_at_the_address(step, words, likely):
    network = b.refused(step, "tls", words, None).model_copy(update={"base_url": "https://own.example/graphql"})
    found = b.not_started(setup=b.setup(network=network))
    assert b.hits(credentials.RULES, found)["auth-base-url-invalid"].values["likely_url"] == likely
    named = b.no_run(setup=b.setup(network=network, script_names=("base_url",)))
    assert "auth-base-url-invalid" not in b.hits(credentials.RULES, named)


def test_an_address_without_its_scheme():
    network = b.network(base_url="own.example:8080", base_url_problem="it has no scheme")
    hit = b.hits(credentials.RULES, before(network=network))["auth-base-url-invalid"]
    assert hit.values["likely_url"] == "https://own.example:8080"


def test_https_to_a_server_without_it_in_the_job():
    words = 'Post "https://own.example:8080/graphql": tls: first record does not look like a TLS handshake'
    hit = b.hits(credentials.RULES, b.no_run(job=b.job(f"wandb: ERROR {words}", ending="failed")))[
        "auth-base-url-invalid"
    ]
    assert hit.values["likely_url"] == "http://own.example:8080"
