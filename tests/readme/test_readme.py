"""README and the schemas say what the code says."""

import re
import subprocess

import pytest

from harness.commands.fault_pages import page
from harness.schemas.make import DOCUMENTS, schema
from harness.settings.options import OPTIONS
from tests.repository import REPOSITORY as ROOT

PAGES = sorted(p for p in ROOT.glob("*.md"))


def test_the_options_table_is_whole():
    table = (ROOT / "README.md").read_text()
    for option in OPTIONS:
        assert re.search(rf"^\| `{re.escape(option.flag)}[` ].*\| {re.escape(option.help)} \|", table, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_to_a_file_of_the_project_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
    missing = [t for t in targets if not (page.parent / t).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_to_the_web_is_well_formed(page):
    urls = re.findall(r"\]\((https?://[^)\s]*)", page.read_text())
    assert all(re.fullmatch(r"https://[\w.-]+\.[a-z]+(/[\w./#?=&%~+@:-]*)?", u) for u in urls)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_shipped_schema_is_the_models(name):
    assert (ROOT / "harness" / "schemas" / f"{name}.schema.json").read_text() == schema(name)


def test_the_page_of_faults_is_the_catalogues():
    assert (ROOT / "FAULTS.md").read_text() == page(), "python -m harness faults --markdown > FAULTS.md"


def test_the_project_speaks_of_itself_alone():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [ROOT / t for t in tracked if t.endswith((".py", ".md", ".yaml", ".toml", ".txt", ".j2", "run"))]
    odd = re.compile(r"/work/(main|shared|scratch)|\.mirror/")
    assert not [str(t) for t in texts if t.name != "test_readme.py" and odd.search(t.read_text(errors="replace"))]
