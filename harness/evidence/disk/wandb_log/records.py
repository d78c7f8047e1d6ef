"""Takes in the rarer records (run, config, telemetry, console, …) by messages of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from harness.evidence.disk.wandb_log import values
from harness.evidence.disk.wandb_log.console import Console
from harness.evidence.disk.wandb_log.flat import FlatDict
from harness.evidence.disk.wandb_log.system import System
from harness.evidence.models.wandb_log import LocalEnvironment, RunFacts

if TYPE_CHECKING:
    from pydantic import JsonValue

_MAX_LIST = 200
_MAX_NAME = 100
_SECRET_WORDS = ("api_key", "apikey", "token", "secret", "password", "email", "identity")


class Facts:
    """Everything but history and summary, filled record by record."""

    def __init__(self) -> None:
        self.run: RunFacts | None = None
        self.environment: LocalEnvironment | None = None
        self.sdk_version = ""
        self.python_version = ""
        self.platform = ""
        self.settings: dict[str, JsonValue] = {}
        self.config = FlatDict()
        self.console = Console()
        self.system = System()
        self.files: dict[str, None] = {}
        self.files_dropped = 0
        self.has_exit = False
        self.exit_code: int | None = None
        self.runtime_s: int | None = None
        self.preempting = False

    def add(self, kind: str, record: Any) -> None:
        """Take the record of type `kind`, a `Record`; unknown types are passed over."""
        handler = getattr(self, f"_add_{kind}", None)
        if handler is not None:
            handler(getattr(record, kind))

    def _add_header(self, header: Any) -> None:
        producer = header.version_info.producer
        if producer and not self.sdk_version:
            self.sdk_version = values.clean_text(producer.partition("+")[0], _MAX_NAME)

    def _add_run(self, run: Any) -> None:
        said = {
            "entity": run.entity,
            "project": run.project,
            "run_id": run.run_id,
            "display_name": run.display_name,
            "group": run.run_group,
            "job_type": run.job_type,
            "host": run.host,
            "sweep_id": run.sweep_id,
        }
        facts: dict[str, Any] = {name: values.clean_text(text) for name, text in said.items() if text}
        if run.tags:
            facts["tags"] = tuple(values.clean_text(tag) for tag in run.tags[:_MAX_LIST])
        if run.HasField("start_time"):
            facts["start_time"] = seconds(run.start_time)
        if run.starting_step:
            facts["starting_step"] = run.starting_step
        if run.resumed:
            facts["resumed"] = True
        if run.forked:
            facts["forked"] = True
        self.run = (self.run or RunFacts()).model_copy(update=facts)
        self._add_config(run.config)
        self._add_telemetry(run.telemetry)
        self._add_settings(run.settings)

    def _add_settings(self, settings: Any) -> None:
        for item in settings.item[:_MAX_LIST]:
            if len(self.settings) < _MAX_LIST and not any(word in item.key.lower() for word in _SECRET_WORDS):
                self.settings[values.clean_text(item.key, _MAX_NAME)] = values.clean(
                    values.text_or_value(item.value_json.encode())
                )

    def _add_config(self, config: Any) -> None:
        for item in config.update:
            path = item_path(item)
            if path[0] == b"_wandb":
                self._add_wandb_config(item.value_json)
            else:
                self.config.update(path, item.value_json.encode())
        for item in config.remove:
            self.config.remove(item_path(item))

    def _add_wandb_config(self, text: str) -> None:
        """Read the SDK's own entry of the config; older SDKs name their version there."""
        value = values.parse_json(text.encode())
        if isinstance(value, dict):
            self.sdk_version = self.sdk_version or _word(value, "cli_version")
            self.python_version = self.python_version or _word(value, "python_version")

    def _add_telemetry(self, telemetry: Any) -> None:
        self.sdk_version = values.clean_text(telemetry.cli_version, _MAX_NAME) or self.sdk_version
        self.python_version = values.clean_text(telemetry.python_version, _MAX_NAME) or self.python_version
        self.platform = values.clean_text(telemetry.platform, _MAX_NAME) or self.platform

    def _add_environment(self, environment: Any) -> None:
        facts: dict[str, Any] = {
            name: values.clean_text(text)
            for name in ("os", "python", "host", "executable", "program")
            if (text := getattr(environment, name))
        }
        for name in ("cpu_count", "cpu_count_logical", "gpu_count"):
            if count := getattr(environment, name):
                facts[name] = count
        facts |= _machine(environment)
        before = self.environment or LocalEnvironment()
        if environment.slurm:
            pairs = sorted({pair.key: pair.value for pair in environment.slurm}.items())[:_MAX_LIST]
            slurm = {values.clean_text(name, _MAX_NAME): values.clean_text(text) for name, text in pairs}
            facts["slurm"] = {**before.slurm, **slurm}
        self.environment = before.model_copy(update=facts)

    def _add_output(self, output: Any) -> None:
        self.console.add(is_stdout=output.output_type == 1, text=output.line)

    _add_output_raw = _add_output

    def _add_stats(self, stats: Any) -> None:
        self.system.add(seconds(stats.timestamp), ((item.key, item.value_json) for item in stats.item))

    def _add_files(self, files: Any) -> None:
        for item in files.files:
            if len(self.files) < _MAX_LIST:
                self.files[values.clean_text(item.path)] = None
            else:
                self.files_dropped += 1

    def _add_exit(self, record: Any) -> None:
        self.has_exit, self.exit_code, self.runtime_s = True, record.exit_code, record.runtime

    def _add_preempting(self, _: Any) -> None:
        self.preempting = True


def _word(value: dict[str, object], name: str) -> str:
    return values.clean_text(str(value.get(name, "")), _MAX_NAME)


def _machine(environment: Any) -> dict[str, Any]:
    """Return the facts of an environment record that are no plain copies."""
    facts: dict[str, Any] = {}
    if environment.gpu_type:
        facts["gpu"] = values.clean_text(environment.gpu_type)
    if environment.HasField("started_at"):
        facts["started_at"] = seconds(environment.started_at)
    if environment.args:
        facts["args"] = tuple(values.clean_text(text) for text in environment.args[:_MAX_LIST])
    for name in ("gpu_amd", "gpu_nvidia"):
        if gpus := getattr(environment, name)[:_MAX_LIST]:
            facts[name] = tuple(values.clean(MessageToDict(gpu, preserving_proto_field_name=True)) for gpu in gpus)
    return facts


def item_path(item: Any) -> tuple[bytes, ...]:
    """Return the path of a config item, at least one part."""
    return tuple(part.encode() for part in (tuple(item.nested_key) or (item.key,)))


def seconds(timestamp: Any) -> float:
    """Turn a protobuf timestamp into Unix seconds."""
    return float(timestamp.seconds + timestamp.nanos / 1e9)
