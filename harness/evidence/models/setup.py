"""What is known before a job runs: keys, mode, server, and the Python that the job will use."""

from typing import Literal

from pydantic import Field

from harness.evidence.models.base import Fact, Trouble


class KeySource(Fact):
    """One place where the SDK may find an API key; the key itself is never kept."""

    source: str
    """`WANDB_API_KEY`, `netrc`, `settings`, `identity_token`, or words for a key that only the SDK was seen to have."""
    path: str | None = None
    """The file, for netrc and settings files."""
    host: str | None = None
    """The machine line of a netrc entry."""
    matches_server: bool = True
    """Whether the entry's host is the host of the server in use."""
    length: int = 0
    problem: Literal["", "empty", "whitespace", "quotes", "illegal_characters", "too_short", "placeholder"] = ""
    fingerprint: str | None = None
    """First 8 hex digits of the key's SHA-256: tells two keys apart without showing either."""
    file_mode: str | None = None
    """Permissions such as `0600`."""
    trouble: Trouble | None = None
    """Why the file could not be read."""


class Credentials(Fact):
    """Every key source in the SDK's order of precedence; the first usable one wins."""

    sources: tuple[KeySource, ...] = ()
    home: str | None = None
    home_exists: bool = True
    netrc_path: str | None = None
    netrc_exists: bool = False

    @property
    def winning(self) -> KeySource | None:
        """The source whose key the SDK would send, or None when there is no key."""
        usable = (s for s in self.sources if s.length > 0 and s.matches_server and s.trouble is None)
        return next(usable, None)


class ModeSource(Fact):
    """One place that sets the mode, in the order of precedence (first wins)."""

    source: Literal["environment", "workspace_settings", "system_settings", "script", "interpreter", "default"]
    """`interpreter`: not what was given to it, but what Python or its container makes of that when it starts."""
    value: str
    path: str | None = None


class Mode(Fact):
    """The mode that `wandb.init()` will find, from every source that the SDK reads."""

    sources: tuple[ModeSource, ...] = ()
    script_decides: bool = False
    """The job script itself mentions a mode, so the sources above may not be the last word."""
    script_words: tuple[str, ...] = ()
    """Words for a mode in the script and in what it brings along."""
    file_troubles: tuple[Trouble, ...] = ()
    """Settings files that could not be read, or that the SDK drops for a bad value."""

    @property
    def winning(self) -> ModeSource:
        """The source that decides; online by default."""
        return self.sources[0] if self.sources else ModeSource(source="default", value="online")


class SettingProblem(Fact):
    """A setting that the SDK does not take, in its own words and without the value."""

    setting: str
    """As the SDK calls it, `mode` say; empty where the whole file is meant."""
    text: str
    where: str
    """The file, or the variable."""
    outcome: Literal["files_ignored", "file_unreadable", "refused"]
    """`files_ignored`: the SDK goes on without any of its settings files; `file_unreadable`: without this one;
    `refused`: wandb.init() raises."""


class SdkSettings(Fact):
    """The SDK's own Settings, as the job's interpreter builds them in the job's folder and environment."""

    mode: str | None = None
    """None, like all below, where the SDK was not asked or refuses a setting."""
    base_url: str | None = None
    entity: str | None = None
    project: str | None = None
    console: str | None = None
    root_dir: str | None = None
    """The folder under which `wandb/` will be made."""
    key_length: int | None = None
    """Characters of the key that it would send; 0 where it finds none, None where it refuses what it finds."""
    key_fingerprint: str | None = None
    """As that of a `KeySource`."""
    problems: tuple[SettingProblem, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the SDK warned of meanwhile, the first line of each."""
    changed_variables: tuple[str, ...] = ()
    """W&B's variables that the interpreter had otherwise than they were given to it: sitecustomize, a container."""
    trouble: Trouble | None = None
    """Why it could not be asked; what else is told of the setup is then the harness's own reading."""

    @property
    def built(self) -> bool:
        """Whether the SDK made its settings."""
        return self.mode is not None

    @property
    def ignored(self) -> tuple[SettingProblem, ...]:
        """Why the SDK goes on without a settings file."""
        return tuple(p for p in self.problems if p.outcome != "refused")

    @property
    def refused(self) -> tuple[SettingProblem, ...]:
        """Why wandb.init() raises."""
        return tuple(p for p in self.problems if p.outcome == "refused")


class ProbeStep(Fact):
    """One step of reaching the server: how it went and how long it took, in seconds."""

    name: Literal["dns", "tcp", "tls", "http", "viewer", "project"]
    ok: bool
    seconds: float = 0.0
    trouble: Trouble | None = None


class Viewer(Fact):
    """Who the key belongs to."""

    username: str
    entity: str | None = None
    teams: tuple[str, ...] = ()
    admin: bool = False
    """An administrator of the server, who may write without being a member."""


class Network(Fact):
    """The way to the server, tried from where the job would run, with the job's own settings."""

    base_url: str = "https://api.wandb.ai"
    base_url_source: str = "default"
    base_url_problem: str | None = None
    proxies: tuple[str, ...] = ()
    """Proxy variables that apply, without user names and passwords."""
    ca_bundle: str | None = None
    ca_bundle_missing: bool = False
    steps: tuple[ProbeStep, ...] = ()
    viewer: Viewer | None = None
    entity: str | None = None
    """The entity that runs will go to: asked for, or the viewer's default."""
    project: str | None = None
    project_access: Literal["writable", "read_only", "no_such_entity", "forbidden", "unknown"] = "unknown"
    server_version: str | None = None

    def step(self, name: str) -> ProbeStep | None:
        """The probe step of that name, or None when it was not made."""
        return next((s for s in self.steps if s.name == name), None)


class JobPython(Fact):
    """The interpreter of the job and the `wandb` that it would import."""

    executable: str
    python_version: str | None = None
    wandb_version: str | None = None
    wandb_location: str | None = None
    wandb_kind: Literal["package", "namespace_folder", "file", "missing", "unknown"] = "unknown"
    """`namespace_folder`: a folder named wandb shadows nothing but poses as the package."""
    core_binary: Literal["present", "missing", "unknown"] = "unknown"
    torch_version: str | None = None
    packages: dict[str, str] = {}
    """Versions of packages that wandb leans on: protobuf, pydantic, numpy, tensorboard."""
    trouble: Trouble | None = None


class Place(Fact):
    """Where the harness and a local job stand."""

    host: str = ""
    cwd: str = ""
    login_node: bool = False
    container: str | None = None
    variables: dict[str, str] = {}
    """WANDB_*, SLURM_*, proxy, HOME, TMPDIR and similar variables; secrets replaced, unrelated ones left out."""
    wandb_dir: str = ""
    """The folder under which `wandb/` will be made."""
    wandb_dir_writable: bool = True
    wandb_dir_free_bytes: int | None = None
    wandb_dir_in_ram: bool = False
    trouble: Trouble | None = None


NoteKind = Literal[
    "text_compared_with_number", "init_never_reached", "init_error_swallowed", "disabled_beside_others", "reads_runs",
    "log_never_commits", "log_always_same_step", "expects_world_size", "reads_argument",
]  # fmt: skip


class ScriptNote(Fact):
    """A line of the job script after which a run may be missing without a word, or that leaves folders behind."""

    kind: NoteKind
    line: int
    text: str


class ScriptLook(Fact):
    """How the job script, with the modules beside it, logs; read from its text, the script is never run."""

    frameworks: tuple[str, ...] = ()
    """Frameworks that do the training or the logging: `lightning`, `transformers`, `accelerate`, `tensorboard`, …"""
    attached: tuple[str, ...] = ()
    """Those of them that are told to log to W&B."""
    calls_init: bool = False
    logs_itself: bool = False
    """It calls `wandb.log()` or `run.log()`, whatever a framework does."""
    runs_agent: bool = False
    """It starts the agent of a sweep by itself."""
    log_every: dict[str, int] = {}
    """`log_every_n_steps` and `logging_steps`, where the script gives them a number."""
    logging_strategy: str = ""
    """When Transformers logs, where the script says it: `no`, `epoch` or `steps`."""
    metrics: tuple[str, ...] = ()
    """Names that it gives to `log()`, be it wandb's, a run's or a framework's, at most 40."""
    scalars: tuple[str, ...] = ()
    """Names that it gives to TensorBoard's writer, at most 20."""


class ScriptSource(Fact):
    """The text of the job script, for a cure that edits it; secrets replaced."""

    path: str
    """From the folder of the verification, where it lies below that."""
    text: str
    patchable: bool = True
    """Whether `patch -p1` in that folder finds the file."""


class UnreadVariable(Fact):
    """A variable that looks like one of the SDK's and is none; its value is not kept."""

    name: str
    meant: str
    """The nearest variable that the SDK reads."""
    where: Literal["environment", "script"] = "environment"


class Setup(Fact):
    """All that preflight learnt."""

    credentials: Credentials = Credentials()
    mode: Mode = Mode()
    network: Network = Network()
    python: JobPython | None = None
    sdk: SdkSettings | None = None
    """What the SDK itself says; None in evidence of a harness that did not ask it."""
    place: Place = Field(default_factory=Place)
    script_names: tuple[str, ...] = ()
    """Which of entity, project and base_url the job script names by itself."""
    script_sets_key: bool = False
    """The job script mentions a key or a login, so a missing key here is not the last word."""
    script_notes: tuple[ScriptNote, ...] = ()
    """Lines of the job script that may explain what is missing, or what lies about, where nothing was said."""
    script_key_line: int | None = None
    """The line of the job script in which a key itself stands, for everyone to read; counted from 1."""
    script: ScriptLook = Field(default_factory=ScriptLook)
    source: ScriptSource | None = None
    """None where there is no script, or none that can be edited: too long, not UTF-8, with Windows line ends."""
    unread_variables: tuple[UnreadVariable, ...] = ()
    """Variables of the environment and of the script that are probably misspelt, at most 10."""
