"""Scenarios about the way to the server: names, ports, certificates, proxies, outages, refused and lost data."""

from typing import Any

from harness.loopback.faults import Fault
from tests.faults.endpoints import behind_tls, deleted_while_running, locked_proxy, outage
from tests.faults.scenario import Scenario, init_job

NO_NAME = {"WANDB_BASE_URL": "https://wandb.example.invalid"}
CLOSED_PORT = {"WANDB_BASE_URL": "http://127.0.0.1:9"}
IMPATIENT = {"WANDB_INIT_TIMEOUT": "6"}
UNREACHABLE = ("test_server_is_reachable",)
NO_RUN = ("test_init_succeeded",)
BRIEF: dict[str, Any] = {"env": IMPATIENT, "failed": NO_RUN}
LOST = ("test_nothing_was_lost", "test_series_has_every_point")
OLD_SDKS = ("0.19.5", "0.28.2")

# The script's own server counts more than the environment's, so only the job meets the trouble.
OWN_NAME = init_job(before='os.environ["WANDB_BASE_URL"] = "https://wandb.example.invalid"')
OWN_PORT = init_job(before='os.environ["WANDB_BASE_URL"] = "http://127.0.0.1:9"')
PROMPT = "x_file_stream_transmit_interval=1"  # whole seconds: less than 1 means the default of 15
LIMITED = init_job(settings=f"{PROMPT}, finish_timeout=4")
SLOW = init_job(settings=f"{PROMPT}, finish_timeout=4", train="train(run, 6, 0.8); run.finish()")
BIG_ROW = init_job(train='train(run); run.log({"loss": 0.1, "acc": 99.0, "big": "x" * 11_000_000}); run.finish()')


def refused_stream(status: int) -> tuple[Fault, ...]:
    """The file stream says no, from the first row on."""
    return (Fault(path="/file_stream", status=status, message="permission denied"),)


def upsert(status: int, message: str) -> tuple[Fault, ...]:
    """wandb.init() is answered with this, whatever it tries."""
    return (Fault(operation="UpsertBucket", status=status, message=message),)


SCENARIOS = (
    Scenario(name="dns", expect="net-dns-failure", env=NO_NAME, failed=UNREACHABLE),
    Scenario(name="dns-in-the-job", expect="net-dns-failure", job=OWN_NAME, env=IMPATIENT, failed=NO_RUN, nproc=2),
    *(
        Scenario(
            name=f"dns-in-the-job-{sdk}", expect="net-dns-failure", job=OWN_NAME, env=IMPATIENT, failed=NO_RUN, sdk=sdk
        )
        for sdk in OLD_SDKS
    ),
    Scenario(
        name="reading-without-a-way-0.28.2",
        expect="net-api-misreported-as-auth",
        sdk="0.28.2",
        job=init_job(
            before='os.environ["WANDB_BASE_URL"] = "http://127.0.0.1:9"\nimport wandb\nprint(wandb.Api().viewer)'
        ),
        failed=("test_job_completed",),
    ),
    Scenario(name="refused", expect="net-connection-refused", env=CLOSED_PORT, failed=UNREACHABLE),
    Scenario(name="refused-in-the-job", expect="net-connection-refused", job=OWN_PORT, env=IMPATIENT, failed=NO_RUN),
    Scenario(name="silent-server", expect="net-timeout-blackhole", misbehave=(Fault(hang=True),), failed=UNREACHABLE),
    Scenario(
        name="silent-to-the-job",
        expect="net-timeout-blackhole",
        misbehave=(Fault(user_agent="wandb-core", hang=True),),
        env=IMPATIENT,
        failed=NO_RUN,
    ),
    Scenario(name="proxy-407", expect="net-proxy-auth-407", hook=locked_proxy, failed=UNREACHABLE),
    Scenario(name="tls-unknown-ca", expect="net-tls-unknown-ca", hook=behind_tls(), failed=UNREACHABLE),
    Scenario(
        name="tls-file-missing", expect="net-ca-bundle-missing", hook=behind_tls(ca_file="/nope"), failed=UNREACHABLE
    ),
    Scenario(name="ok-tls-known-ca", hook=behind_tls(trusted=True)),
    Scenario(name="ok-requests-bundle-missing", env={"REQUESTS_CA_BUNDLE": "/nope.pem"}),
    Scenario(name="outage-502", expect="net-server-5xx", misbehave=(Fault(status=502),), failed=UNREACHABLE),
    Scenario(name="outage-at-init", expect="net-server-5xx", misbehave=upsert(500, "oops"), **BRIEF),
    Scenario(
        name="outage-at-init-0.19.5", expect="net-server-5xx", misbehave=upsert(503, "oops"), sdk="0.19.5",
        **BRIEF,
    ),
    Scenario(name="429-everywhere", expect="net-429-init", misbehave=(Fault(status=429),), failed=UNREACHABLE),
    Scenario(name="429-at-init", expect="net-429-init", misbehave=upsert(429, "slow down"), **BRIEF),
    Scenario(
        name="429-at-init-0.19.5", expect="net-429-init", misbehave=upsert(429, "slow down"), sdk="0.19.5",
        **BRIEF,
    ),
    Scenario(
        name="429-while-logging",
        expect="net-429-filestream",
        kind="warning",
        misbehave=(Fault(path="/file_stream", status=429, retry_after="0", times=4),),
    ),
    Scenario(name="stream-403", expect="net-filestream-4xx-fatal", misbehave=refused_stream(403), failed=LOST[:1]),
    Scenario(name="stream-404", expect="net-filestream-4xx-fatal", misbehave=refused_stream(404), failed=LOST[:1]),
    *(
        Scenario(
            name=f"stream-403-{sdk}", expect="net-filestream-4xx-fatal", misbehave=refused_stream(403), sdk=sdk,
            failed=LOST[:1],
        )
        for sdk in OLD_SDKS
    ),
    Scenario(
        name="stream-403-later",
        expect="net-filestream-4xx-fatal",
        job=init_job(settings=PROMPT, train="train(run, 6, 0.8); run.finish()"),
        hook=outage(status=403),
        options=("--expect-points", "6"),
        failed=LOST,
    ),
    Scenario(
        name="deleted-while-running",
        expect="net-filestream-4xx-fatal",
        job=SLOW,
        hook=deleted_while_running,
        options=("--expect-points", "6"),
    ),
    Scenario(name="stream-500", expect="net-finish-hang", job=LIMITED, misbehave=refused_stream(500), failed=LOST[:1]),
    Scenario(
        name="stream-500-hang", expect="net-finish-hang", misbehave=refused_stream(500), failed=("test_job_completed",),
        timeout_s=300,
    ),
    Scenario(
        name="lost-midrun", expect="net-lost-midrun", job=SLOW, hook=outage(), options=("--expect-points", "6"),
        failed=LOST,
    ),
    Scenario(name="ok-lost-and-back", job=SLOW.replace("finish_timeout=4", ""), hook=outage(back_after_s=1.5)),
    Scenario(
        name="row-too-big", expect="net-line-too-big", job=BIG_ROW, options=("--expect-points", "4"), failed=LOST,
    ),
)  # fmt: skip
