"""Scenarios about API keys: missing, malformed, refused, misplaced, someone else's."""

from harness.loopback.accounts import Accounts, User
from tests.faults.scenario import Scenario, init_job

UNKNOWN_KEY = "0123456789abcdef" * 2 + "01234567"
NO_KEY = {"WANDB_API_KEY": None}
NETRC = "machine {HOST}\n  login user\n  password {KEY}\n"
COLLEAGUE = User(username="colleague", default_entity="colleague", teams=("colleague",))
SEVERAL_USERS = {"accounts": Accounts((User(), COLLEAGUE))}
UNCONFIGURED = ("test_api_key_is_configured",)
REFUSED = ("test_api_key_is_accepted",)
NO_RUN = ("test_init_succeeded",)

TERMINAL = """
import pty, re
os.environ.pop("WANDB_API_KEY", None)
pid, terminal = pty.fork()
if pid:
    seen, answered = b"", False
    while True:
        try:
            data = os.read(terminal, 1024)
        except OSError:
            break
        if not data:
            break
        sys.stdout.buffer.write(data); sys.stdout.flush()
        seen += data
        if ANSWER and not answered and re.search(rb"[Ee]nter your choice", seen):
            answered = True
            os.write(terminal, ANSWER)
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""
"""The rest of the job runs on a terminal, as under `srun --pty`; ANSWER is typed at the SDK's question."""

LOGIN_ELSEWHERE = """
import subprocess
login = "import os, resource, wandb; wandb.setup().ensure_service();"
login += "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}));"
login += "wandb.login(key=os.environ['MY_KEY'], verify=False)"
command = [sys.executable, "-c", login]
print(subprocess.run(command, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, text=True).stdout, flush=True)
"""
"""A login in a process of its own that may not write more than so many bytes to any file, as with a full quota."""

KEY_FILE = {"key.txt": "{KEY}\n"}

SCENARIOS = (
    Scenario(name="no-key", expect="auth-no-key", env=NO_KEY, failed=UNCONFIGURED),
    Scenario(name="no-key-empty-variable", expect="auth-no-key", env={"WANDB_API_KEY": ""}, failed=UNCONFIGURED),
    Scenario(
        name="no-key-in-the-job",
        expect="auth-no-key",
        job=init_job(before='os.environ.pop("WANDB_API_KEY", None)'),
        failed=NO_RUN,
        nproc=2,
    ),
    Scenario(
        name="no-key-in-the-job-0.19.5",
        expect="auth-no-key",
        job=init_job(before='os.environ.pop("WANDB_API_KEY", None)'),
        sdk="0.19.5",
        failed=NO_RUN,
    ),
    Scenario(
        name="long-key-old-sdk",
        expect="auth-key-86-old-sdk",
        job=init_job(before='import wandb\nwandb.login(key="wandb_v1_" + "a" * 77)'),
        sdk="0.19.5",
        failed=NO_RUN,
    ),
    Scenario(name="short-key", expect="auth-key-too-short", env={"WANDB_API_KEY": "abc123"}, failed=UNCONFIGURED),
    Scenario(
        name="short-key-in-netrc",
        expect="auth-key-too-short",
        env=NO_KEY,
        files={"~/.netrc": "machine {HOST}\n  login user\n  password abc123\n"},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="short-key-in-the-job",
        expect="auth-key-too-short",
        job=init_job(before='os.environ["WANDB_API_KEY"] = "abc" + "123"'),
        failed=NO_RUN,
    ),
    Scenario(name="quoted-key", expect="auth-key-illegal-chars", env={"WANDB_API_KEY": '"{KEY}"'}, failed=UNCONFIGURED),
    Scenario(
        name="placeholder-key",
        expect="auth-key-illegal-chars",
        env={"WANDB_API_KEY": "<your_api_key>"},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="key-with-newline", expect="auth-key-whitespace", env={"WANDB_API_KEY": "{KEY}\n"}, failed=UNCONFIGURED
    ),
    Scenario(
        name="stale-variable-hides-netrc",
        expect="auth-env-overrides-netrc",
        env={"WANDB_API_KEY": UNKNOWN_KEY},
        files={"~/.netrc": NETRC},
        failed=REFUSED,
    ),
    Scenario(name="unknown-key", expect="auth-key-rejected-401", env={"WANDB_API_KEY": UNKNOWN_KEY}, failed=REFUSED),
    *(
        Scenario(
            name=f"unknown-key-in-the-job{version and '-'}{version}",
            expect="auth-key-rejected-401",
            job=init_job(before=f'os.environ["WANDB_API_KEY"] = "{UNKNOWN_KEY[:20]}" + "{UNKNOWN_KEY[20:]}"'),
            sdk=version or None,
            failed=NO_RUN,
        )
        for version in ("", "0.19.5", "0.24.2", "0.28.2")
    ),
    *(
        Scenario(
            name=f"unknown-key-at-login{version and '-'}{version}",
            expect="auth-key-rejected-401",
            job=init_job(before=f'import wandb\nwandb.login(key="{UNKNOWN_KEY[:20]}" + "{UNKNOWN_KEY[20:]}")'),
            sdk=version or None,
            failed=NO_RUN,
        )
        for version in ("", "0.19.5", "0.24.2", "0.28.2")
    ),
    *(
        Scenario(
            name=f"short-key-at-login{version and '-'}{version}",
            expect="auth-key-too-short",
            job=init_job(before='import wandb\nwandb.login(key="abc" + "123")'),
            sdk=version or None,
            failed=NO_RUN,
        )
        for version in ("", "0.19.5")
    ),
    Scenario(
        name="unknown-key-in-netrc",
        expect="auth-key-rejected-401",
        env=NO_KEY,
        files={"~/.netrc": NETRC.replace("{KEY}", UNKNOWN_KEY)},
        failed=REFUSED,
    ),
    Scenario(
        name="netrc-for-the-cloud",
        expect="auth-netrc-host-mismatch",
        env=NO_KEY,
        files={"~/.netrc": "machine api.wandb.ai\n  login user\n  password {KEY}\n"},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="netrc-variable-names-nothing",
        expect="auth-netrc-unreadable",
        env={**NO_KEY, "NETRC": "{HOME}/nowhere/.netrc"},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="netrc-broken",
        expect="auth-netrc-unreadable",
        env=NO_KEY,
        files={"~/.netrc": "machine {HOST} login user password {KEY} nonsense\n"},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="netrc-without-password",
        expect="auth-netrc-unreadable",
        env=NO_KEY,
        files={"~/.netrc": 'machine {HOST}\n  login user\n  password ""\n'},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="netrc-in-a-missing-folder",
        expect="auth-netrc-write-fails",
        env={**NO_KEY, "NETRC": "/proc/nowhere/.netrc", "MY_KEY": "{KEY}"},
        job=init_job(before=LOGIN_ELSEWHERE.format(-1)),
        failed=NO_RUN,
    ),
    Scenario(
        name="netrc-on-a-full-disk",
        expect="auth-netrc-write-fails",
        env={**NO_KEY, "MY_KEY": "{KEY}"},
        job=init_job(before=LOGIN_ELSEWHERE.format(0)),
        failed=NO_RUN,
    ),
    Scenario(
        name="home-missing",
        expect="auth-home-not-in-container",
        env={**NO_KEY, "HOME": "/proc/nowhere"},
        files={"~/.netrc": NETRC},
        failed=UNCONFIGURED,
    ),
    Scenario(
        name="web-address-as-server",
        expect="auth-base-url-invalid",
        env={"WANDB_BASE_URL": "https://wandb.ai"},
        files={"~/.config/wandb/settings": "[default]\nbase_url = {URL}\n"},
        failed=("test_server_is_reachable",),
    ),
    Scenario(
        name="server-without-scheme",
        expect="auth-base-url-invalid",
        env={"WANDB_BASE_URL": "{HOST}"},
        failed=("test_server_is_reachable",),
    ),
    Scenario(
        name="web-address-in-the-job",
        expect="auth-base-url-invalid",
        job=init_job(before='os.environ["WANDB_BASE_URL"] = "https://wandb.ai"'),
        failed=NO_RUN,
    ),
    Scenario(
        name="key-and-identity-token",
        expect="auth-two-credentials",
        env={"WANDB_IDENTITY_TOKEN_FILE": "{HOME}/token"},
        files={"~/token": "aaaa.bbbb.cccc"},
        failed=NO_RUN,
    ),
    Scenario(
        name="colleagues-key-in-the-job",
        expect="auth-wrong-account",
        server=SEVERAL_USERS,
        env={"OTHER": COLLEAGUE.api_key},
        job=init_job(before='os.environ["WANDB_API_KEY"] = os.environ["OTHER"]'),
    ),
    Scenario(
        name="key-in-script",
        expect="auth-key-in-script",
        kind="warning",
        job=init_job(before='os.environ["WANDB_API_KEY"] = "{KEY}"'),
    ),
    Scenario(
        name="login-timeout",
        expect="auth-login-timeout-disables",
        env={"WANDB_LOGIN_TIMEOUT": "2"},
        job=init_job(before="ANSWER = None" + TERMINAL),
        failed=NO_RUN,
    ),
    Scenario(
        name="offline-chosen-at-the-prompt",
        expect="auth-prompt-choice-offline",
        job=init_job(before='ANSWER = b"3\\n"' + TERMINAL),
        failed=("test_mode_is_online",),
    ),
    Scenario(
        name="login-while-offline",
        expect="auth-login-verify-offline",
        job=init_job(
            before='os.environ["WANDB_MODE"] = "offline"\nimport wandb\nif not wandb.login(): sys.exit("no login")'
        ),
    ),
    Scenario(
        name="key-file-ends-with-a-newline",
        expect="auth-key-whitespace",
        env=NO_KEY,
        files=KEY_FILE,
        job=init_job(before='os.environ["WANDB_API_KEY"] = open("key.txt").read()'),
        failed=NO_RUN,
    ),
    Scenario(
        name="ok-key-from-a-file",
        env=NO_KEY,
        files=KEY_FILE,
        job=init_job(before='os.environ["WANDB_API_KEY"] = open("key.txt").read().strip()'),
    ),
    Scenario(
        name="ok-key-from-a-module-of-the-users",
        env=NO_KEY,
        files={**KEY_FILE, "keys.py": 'import os\nos.environ["WANDB_API_KEY"] = open("key.txt").read().strip()\n'},
        job=init_job(before="import keys"),
    ),
    Scenario(
        name="ok-login-over-a-stale-variable",
        env={"WANDB_API_KEY": UNKNOWN_KEY, "GOOD": "{KEY}"},
        job=init_job(before='import wandb\nwandb.login(key=os.environ["GOOD"])'),
    ),
    Scenario(
        name="https-to-a-server-without-it",
        expect="auth-base-url-invalid",
        env={"WANDB_BASE_URL": "https://{HOST}"},
        failed=("test_server_is_reachable",),
    ),
    Scenario(
        name="https-to-a-server-without-it-in-the-job",
        expect="auth-base-url-invalid",
        env={"SERVER": "https://{HOST}"},
        job=init_job(before='os.environ["WANDB_BASE_URL"] = os.environ["SERVER"]', settings="init_timeout=5,"),
    ),
    Scenario(
        name="address-with-a-path-too-many",
        expect="auth-base-url-invalid",
        env={"WANDB_BASE_URL": "{URL}/graphql"},
        failed=("test_server_is_reachable",),
    ),
)
