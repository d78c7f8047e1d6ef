"""README, the pages in docs/ and the schemas say what the code says."""

import re
import subprocess
from functools import cache

import pytest
import yaml

from harness.commands.fault_pages import COMMAND, pages
from harness.judging.catalogue import catalogue
from harness.settings.options import OPTIONS
from harness.settings.site import Site
from lab.schemas import DOCUMENTS, schema
from tests.readme.documents import FAULT_PAGES, ISSUE_FORMS, OPTIONS_PAGE, PAGES, README
from tests.repository import REPOSITORY as ROOT

SITE_DEFAULTS = {"--lumi-partition": Site().partition, "--lumi-gpus": str(Site().gpus_per_node)}


def row_of(option):
    """The row that an option has in the table of all options."""
    words = " or ".join(option.choices) or option.metavar
    default = option.default or SITE_DEFAULTS.get(option.flag, "")
    meaning = option.help.replace("<", "&lt;").replace(">", "&gt;")
    told = f"| `{option.flag}{f' {words}' if words else ''}` | {meaning} | {default} | `{option.ini}` |"
    return told.replace("|  |", "| |")


def test_every_option_has_its_row():
    rows = OPTIONS_PAGE.read_text().splitlines()
    assert [row for row in map(row_of, OPTIONS) if row not in rows] == []


def test_no_row_tells_of_an_option_that_is_gone():
    rows = re.findall(r"^\| `(--[\w-]+)", OPTIONS_PAGE.read_text(), re.MULTILINE)
    assert rows == [option.flag for option in OPTIONS]


def test_readme_fits_on_two_screens_and_counts_the_faults():
    text = README.read_text()
    assert len(text.splitlines()) <= 200
    assert f"[{len(catalogue())} faults](docs/faults/README.md)" in text


def test_readme_says_what_was_not_shown():
    text = " ".join(README.read_text().replace("\n>", "\n").split())
    assert "No LUMI node, no AMD GPU and no connection to the W&B cloud were at hand" in text


@cache
def anchors(page):
    """What a link may point to: each heading, as GitHub names it."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    shown = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in shown}


def links(page, pattern):
    """Links of a page, as the groups of a pattern, each with its page."""
    return [(str(page.relative_to(ROOT)), found) for found in re.findall(pattern, page.read_text())]


def test_every_link_to_a_file_of_the_project_leads_somewhere():
    local = r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)"
    for page in PAGES:
        for where, (file, anchor) in links(page, local):
            target = page.parent / file if file else page
            assert target.exists(), (where, file)
            assert not anchor or anchor in anchors(target), f"{where}: {file}#{anchor}"


def test_every_link_to_the_web_is_well_formed():
    found = [link for page in PAGES for link in links(page, r"\]\((https?://[^)\s]*)")]
    assert found
    form = re.compile(r"https://[\w.-]+\.[a-z]+(/[\w./#?=&%~+@:-]*)?")
    assert [link for link in found if not form.fullmatch(link[1])] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_shipped_schema_is_the_models(name):
    assert (ROOT / "harness" / "schemas" / f"{name}.schema.json").read_text() == schema(name)


def test_the_pages_of_faults_are_the_catalogues():
    assert [name for name, text in pages().items() if (FAULT_PAGES / name).read_text() != text] == [], COMMAND


def test_there_is_no_page_of_a_family_that_is_gone():
    assert {page.name for page in FAULT_PAGES.iterdir()} == set(pages())


@pytest.mark.parametrize("form", ISSUE_FORMS, ids=lambda p: p.name)
def test_issue_forms_ask_for_the_bundle(form):
    asked = yaml.safe_load(form.read_text())
    if form.name != "config.yml":
        assert {"name", "description", "body"} <= asked.keys()
        assert "bundle" in {field.get("id") for field in asked["body"]}
        assert "python -m harness bundle" in form.read_text()


def test_there_are_issue_forms():
    assert len(ISSUE_FORMS) > 1


def test_the_project_speaks_of_itself_alone():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [ROOT / t for t in tracked if t.endswith((".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".j2", "run"))]
    odd = re.compile(r"/work/(main|shared|scratch)|\.mirror/")
    there = (t for t in texts if t.exists() and t.name != "test_readme.py")
    assert not [str(t) for t in there if odd.search(t.read_text(errors="replace"))]
