"""Takes out of text what support has no use for: keys, e-mail addresses, values of unrelated variables; counts it."""

import re
from collections import Counter

from harness.evidence.models import JsonValue
from harness.evidence.redaction.redactor import REDACTED, Redactor
from harness.evidence.redaction.variables import is_related

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z][\w-]{1,62}(?![\w-])")
_SHELL = re.compile(
    r"^(?P<before>[ \t]*(?:\++ |\[[^\]\s]+\]:|\S+: )?(?P<export>export |declare -x )?)"
    r"(?P<name>[A-Za-z_]\w*)=(?P<value>\S.*)$",
    re.MULTILINE,
)
"""A line of `env`, `export -p` or a shell's trace, also behind a launcher's prefix."""
_PYTHON = re.compile(
    r"(?P<quote>\\?['\"])(?P<name>[A-Z][A-Z0-9_]{2,})(?P=quote)(?P<is>:\s?)"
    r"(?P<mark>\\?['\"])(?P<value>(?:(?!(?P=mark))(?:\\.|[^\\]))+)(?P=mark)"
)
"""An entry of `print(os.environ)`, or of its JSON, also where that stands in a JSON text itself."""
_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_SECRET = re.compile(r"api[_-]?key|secret|passw|(?:access|auth|hf)[_-]?token", re.IGNORECASE)
"""Names in a config whose values are nobody's business."""


class Scrubber:
    """Scrubs text and JSON values, and remembers how much of what it took out."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.taken: Counter[str] = Counter()
        self.variables: set[str] = set()

    def text(self, text: str) -> str:
        """Scrub one text of any number of lines."""
        before = text.count(REDACTED)
        text = _PRIVATE_KEY.sub(REDACTED, self._redactor.text(text))
        self.taken["keys, tokens and passwords"] += text.count(REDACTED) - before
        text = _SHELL.sub(self._of_shell, text)
        text = _PYTHON.sub(self._of_python, text)
        text, count = _EMAIL.subn("[e-mail]", text)
        self.taken["e-mail addresses"] += count
        return text

    def _of_shell(self, match: re.Match[str]) -> str:
        spoken = match["export"] or match["name"].isupper()
        hidden = spoken and self._hidden(match["name"], match["value"])
        return f"{match['before']}{match['name']}=[left out]" if hidden else match[0]

    def _of_python(self, match: re.Match[str]) -> str:
        hidden = self._hidden(match["name"], match["value"])
        quote, mark = match["quote"], match["mark"]
        return f"{quote}{match['name']}{quote}{match['is']}{mark}[left out]{mark}" if hidden else match[0]

    def _hidden(self, name: str, value: str) -> bool:
        """Count a variable that has no bearing on W&B."""
        if is_related(name) or value.strip("\"'") == REDACTED:
            return False
        self.variables.add(name)
        self.taken["values of unrelated environment variables"] += 1
        return True

    def value(self, value: JsonValue) -> JsonValue:
        """Scrub every text of a JSON value; its keys stay, unless a key itself holds something to take out."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self._entry(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value

    def _entry(self, key: str, item: JsonValue) -> JsonValue:
        if isinstance(item, str) and item and item != REDACTED and _SECRET.search(key):
            self.taken["keys, tokens and passwords"] += 1
            return REDACTED
        return self.value(item)
