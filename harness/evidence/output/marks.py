"""Parses the lines of job output that mean something: what the SDK announced, and what the training script printed."""

import re
from urllib.parse import unquote, urlsplit

from harness.evidence.models.job import EpochSeen, Login, RankSeen, RunLink
from harness.evidence.output.bounded import Kept
from harness.evidence.output.lines import Line

_MOST_LINKS = 2048
_MOST_RANKS = 4096
_MOST_OTHERS = 64

# `View run at URL` (start), `View run NAME at: URL` (end, since 0.15), `Synced NAME: URL` (end, before).
_LINK = re.compile(r"(?:View run\b.*?|Synced .*?: )(https?://\S+/runs/[^\s/?#]+)")
_RUN_PATH = re.compile(r"/(?P<entity>[^/]+)/(?P<project>[^/]+)/runs/(?P<id>[^/]+)$")
_LOGIN = re.compile(
    r"Currently logged in as: (?P<user>[^\s(]+)(?: \((?!use )(?P<entity>[^)]*)\))?(?: to (?P<host>https?://\S+?))?"
    r"(?:\.? |\.?$)"
)
_CREDENTIALS = re.compile(r"Loaded credentials for \S+ from (.+?)\.?$")
_VERSION = re.compile(r"Tracking run with wandb version (\S+)")
# What scripts print of themselves, and `pip freeze`: the only trace of a version in mode disabled.
_PRINTED_VERSION = re.compile(r"^wandb(?:\.__version__)?(?: version)?\s*(?:==|=|\s)\s*(\d+\.\d+\.\d+\S*)\s*$")
_RUN_DIR = re.compile(
    r"(?:Run data is saved locally in |wandb sync |Find logs at: )(?P<path>\S.*?(?:offline-)?run-\d{8}_\d{6}-[^\s/]+)"
)
_RANK = re.compile(r"Rank (\d+) of (\d+) joined(?: \(local rank (\d+)(?:, host ([^,)]+))?(?:, device ([^)]+))?\))?")
_NUMBER = r"[-+]?(?:\d[\d.]*(?:[eE][-+]?\d+)?|nan|inf|NaN|Infinity)"
_EPOCH = re.compile(rf"Epoch:? \[?(\d+)(?:/\d+)?\]?, Loss: ({_NUMBER})", re.IGNORECASE)
_ACCURACY = re.compile(rf"^Accuracy: ({_NUMBER}) ?%")


def sdk_line(text: str) -> str | None:
    """Return the part of a line that the SDK printed, also behind an unfinished progress bar; None where none is."""
    if text.startswith("wandb:"):
        return text
    at = text.find("wandb: ")
    return text[at:] if at > 0 and "|" in text[:at] else None


class Marks:
    """What was parsed so far; `take` reads one line."""

    def __init__(self) -> None:
        self.links: dict[str, RunLink] = {}
        self.logins: dict[tuple[str, str | None, str | None], Login] = {}
        self.credentials: dict[str, None] = {}
        self.versions: dict[str, None] = {}
        self.run_dirs: dict[str, None] = {}
        self.ranks: dict[int, RankSeen] = {}
        self.epochs: Kept[EpochSeen] = Kept(first=200, last=800)
        self._last_epoch: EpochSeen | None = None

    def take(self, line: Line) -> bool:
        """Read a line whose text holds no secrets any more; True where it meant something."""
        text = line.text
        if "Loss: " in text or "loss: " in text or text.startswith("Accuracy: "):
            return self._training(line)
        if "Rank " in text and (match := _RANK.search(text)):
            return self._rank(match)
        if "wandb" not in text and "View run" not in text:
            return False
        return any((self._link(line), self._login(line), self._credentials(text), self._started(text)))

    @property
    def last_epoch(self) -> EpochSeen | None:
        """The newest epoch, with its accuracy where that was printed."""
        return self._last_epoch

    def all_epochs(self) -> tuple[EpochSeen, ...]:
        """Return the epochs that were kept."""
        kept = self.epochs.items()
        return tuple([*kept, self._last_epoch] if self._last_epoch else kept)

    @property
    def epochs_total(self) -> int:
        """How many epoch lines came."""
        return self.epochs.total + (self._last_epoch is not None)

    def _training(self, line: Line) -> bool:
        if match := _EPOCH.search(line.text):
            if self._last_epoch:
                self.epochs.add(self._last_epoch)
            self._last_epoch = EpochSeen(epoch=int(match[1]), loss=_number(match[2]), line=line.number)
            return True
        match = _ACCURACY.match(line.text)
        if match and self._last_epoch and self._last_epoch.acc is None:
            self._last_epoch = self._last_epoch.model_copy(update={"acc": _number(match[1])})
        return match is not None

    def _rank(self, match: re.Match[str]) -> bool:
        rank = int(match[1])
        if len(self.ranks) < _MOST_RANKS:
            local = int(match[3]) if match[3] else None
            self.ranks[rank] = RankSeen(
                rank=rank, world_size=int(match[2]), local_rank=local, host=match[4], device=match[5]
            )
        return True

    def _link(self, line: Line) -> bool:
        match = _LINK.search(line.text)
        if match is None:
            return False
        url = match[1]
        path = _RUN_PATH.search(urlsplit(url).path)
        if path and url not in self.links and len(self.links) < _MOST_LINKS:
            self.links[url] = RunLink(
                url=url,
                entity=unquote(path["entity"]),
                project=unquote(path["project"]),
                run_id=unquote(path["id"]),
                line=line.number,
            )
        return True

    def _login(self, line: Line) -> bool:
        match = _LOGIN.search(line.text)
        if match is None:
            return False
        key = (match["user"].rstrip("."), match["entity"] or None, match["host"])
        if key not in self.logins and len(self.logins) < _MOST_OTHERS:
            self.logins[key] = Login(username=key[0], entity=key[1], host=key[2], line=line.number)
        return True

    def _credentials(self, text: str) -> bool:
        match = _CREDENTIALS.search(text)
        if match and len(self.credentials) < _MOST_OTHERS:
            self.credentials[match[1]] = None
        return match is not None

    def _started(self, text: str) -> bool:
        if match := _VERSION.search(text) or _PRINTED_VERSION.match(text):
            if len(self.versions) < _MOST_OTHERS:
                self.versions[match[1].rstrip(".")] = None
            return True
        match = _RUN_DIR.search(text)
        if match and len(self.run_dirs) < _MOST_LINKS:
            self.run_dirs[match["path"]] = None
        return match is not None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
