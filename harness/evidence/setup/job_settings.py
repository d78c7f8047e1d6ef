"""What W&B is set to for a job: read once, corrected by the SDK's own word, and shared by all that ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.evidence.models.base import Trouble
from harness.evidence.models.setup import SdkSettings
from harness.evidence.network.address import base_url_problem, default_base_url, normal_url
from harness.evidence.redaction.redactor import clean
from harness.evidence.setup.settings_files import SettingsFile, expand_user, read_settings_files

MODES = ("online", "offline", "shared", "disabled", "dryrun", "run")
"""wandb/sdk/wandb_settings.py, 0.19 to 0.31."""
SAID = ("mode", "base_url", "entity", "project", "console", "root_dir")
"""What the SDK is asked for."""
BY_INTERPRETER = "the job's own environment"
"""Where a value comes from that the interpreter has and nobody gave to it."""


@dataclass(frozen=True)
class JobSettings:
    """The environment and both settings files, unmerged, so that each value keeps its source; and the SDK's word.

    The SDK is right wherever it was asked. Without its word the values are merged here as it merges them: variables
    first, then the workspace's file, then the user's.
    """

    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    """The job's folder."""
    workspace: SettingsFile
    system: SettingsFile
    ignored: Trouble | None = None
    """Why the SDK reads neither file: it checks both at once and drops both for one bad value."""
    sdk: SdkSettings = field(default_factory=SdkSettings)
    sdk_version: str | None = None
    """None: not known; then the newest one is meant."""

    @property
    def files(self) -> tuple[SettingsFile, SettingsFile]:
        """Both files, the one that wins first."""
        return self.workspace, self.system

    def from_files(self, key: str) -> tuple[str, SettingsFile] | None:
        """The value that the files give and the file that it comes from."""
        for file in self.files:
            if self.ignored is None and key in file.values:
                return file.values[key], file
        return None

    def get(self, key: str) -> str | None:
        """The value that the SDK will use: by its own word, else the environment's `WANDB_<KEY>`, else a file's."""
        if self.sdk.built and key in SAID:
            said: str | None = getattr(self.sdk, key)
            return said
        from_env = self.env.get(f"WANDB_{key.upper()}")
        if from_env is not None:
            return from_env
        found = self.from_files(key)
        return found[0] if found else None

    def flag(self, key: str) -> bool:
        """The value as pydantic reads a boolean."""
        return (self.get(key) or "").strip().lower() in {"1", "true", "t", "yes", "y", "on"}

    def base_url(self) -> tuple[str, str]:
        """The server that the SDK will use, and where that comes from: a variable, a file's path, or `default`.

        The value is what the SDK would refuse, where it would: ask `base_url_problem`.
        """
        read = self._base_url_read()
        said = self.sdk.base_url
        if said is None or said == read[0]:
            return read
        if said == default_base_url(self.sdk_version):
            return said, "default"
        return said, BY_INTERPRETER

    def _base_url_read(self) -> tuple[str, str]:
        if "WANDB_BASE_URL" in self.env:
            return normal_url(self.env["WANDB_BASE_URL"], self.sdk_version), "WANDB_BASE_URL"
        found = self.from_files("base_url")
        if found:
            return normal_url(found[0], self.sdk_version), str(found[1].path)
        return default_base_url(self.sdk_version), "default"

    def wandb_root(self) -> Path:
        """The folder under which the SDK makes `wandb/`: by its own word, else WANDB_DIR, else the current one.

        The SDK expands `~` (`Settings.wandb_dir`, 0.31) and takes an empty WANDB_DIR for the current folder.
        """
        said = self.sdk.root_dir
        return self.cwd / expand_user(self.env.get("WANDB_DIR", "") if said is None else said, self.env)

    def corrected(self, sdk: SdkSettings, sdk_version: str | None) -> JobSettings:
        """The same with the SDK's own word, which beats what was read."""
        ignored = self.ignored
        if sdk.built:
            why = next((p for p in sdk.problems if p.outcome == "files_ignored"), None)
            ignored = Trouble(kind="other", text=why.text, where=why.where) if why else None
        return replace(self, sdk=sdk, sdk_version=sdk_version, ignored=ignored)

    def moved(self, env: Mapping[str, str], cwd: Path) -> JobSettings:
        """The settings of a job in that folder; the files are read again only where it is another one."""
        return replace(self, env=env) if cwd == self.cwd else read_job_settings(env, cwd, sdk_version=self.sdk_version)

    def in_environment(self, env: Mapping[str, str]) -> JobSettings:
        """The same files with other variables, of which the SDK has said nothing; only its server stays as it is."""
        same = env.get("WANDB_BASE_URL") == self.env.get("WANDB_BASE_URL")
        return replace(self, env=env, sdk=SdkSettings(base_url=self.sdk.base_url if same else None))

    def started_with(self, env: Mapping[str, str]) -> JobSettings:
        """The same with variables more that bear on none of this: the marks that a job gets when it starts."""
        return replace(self, env=env)


def read_job_settings(env: Mapping[str, str], cwd: Path, *, sdk_version: str | None = None) -> JobSettings:
    """Read the settings files that the SDK would read in that folder."""
    files = read_settings_files(env, cwd)
    return JobSettings(
        env=env, cwd=cwd, workspace=files[0], system=files[1], ignored=_bad_value(files), sdk_version=sdk_version
    )


def _bad_value(files: tuple[SettingsFile, SettingsFile]) -> Trouble | None:
    """The first value of the merged files that the SDK's validation refuses (`_parse_system_settings`)."""
    for key in ("mode", "base_url"):
        file = next((f for f in files if key in f.values), None)
        if file is None:
            continue
        value = file.values[key]
        problem = base_url_problem(value) if key == "base_url" else None
        if key == "mode" and value not in MODES:
            problem = f"mode is {clean(value, 60)!r}, not one of {', '.join(MODES)}"
        if problem:
            return Trouble(kind="other", text=problem, where=str(file.path))
    return None
