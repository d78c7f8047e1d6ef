"""Says a cure that sets the harness's own variables as the options that they stand for."""

import re
from collections.abc import Collection

from harness.settings.options import OPTIONS

FLAGS = {option.variable: option.flag for option in OPTIONS}
_EXPORT = re.compile(r"^  export (?=HARNESS_)(.*)$", re.MULTILINE)
_VALUE = re.compile(r"(HARNESS_\w+)=(.*?)(?= HARNESS_\w+=|$)")


def as_options(text: str, typed: Collection[str]) -> str:
    """Put the option where a variable would change nothing, because its option was typed: a typed one wins."""

    def line(found: re.Match[str]) -> str:
        values = _VALUE.findall(found[1])
        if not any(name in typed for name, _ in values):
            return found[0]
        options = " ".join(f"{FLAGS[name]} {value}" for name, value in values)
        return f"  {options}        # in the command, in place of what you typed"

    return _EXPORT.sub(line, text)
