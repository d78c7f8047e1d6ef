"""The pages of faults: one for each family and an index, in Markdown that shows what the catalogue says."""

import pytest

from harness.__main__ import main
from harness.commands.explain import advised, condition
from harness.commands.fault_pages import pages
from harness.judging.catalogue import FAMILIES, catalogue


def test_they_are_written_to_the_folder_that_is_named(tmp_path):
    assert main(["faults", "--markdown", str(tmp_path / "docs" / "faults")]) == 0
    written = {page.name: page.read_text(encoding="utf-8") for page in (tmp_path / "docs" / "faults").iterdir()}
    assert written == pages()
    assert set(written) == {"README.md", *(f"{family}.md" for family in FAMILIES)}


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        main(["faults", "--markdown", str(tmp_path / "file")])
    assert ended.value.code == 4
    assert capsys.readouterr().err == f"lumi-wandb faults: {tmp_path / 'file'} cannot be written: File exists\n"


def test_each_fault_is_on_the_page_of_its_family_and_in_the_index():
    written = pages()
    for entry in catalogue().values():
        family = written[f"{entry.family}.md"]
        assert family.count(f"\n## {entry.id}\n") == 1, entry.id
        assert f"[{entry.id}]({entry.family}.md#{entry.id}) | {entry.severity} |" in written["README.md"]
        section = family.partition(f"\n## {entry.id}\n")[2].partition("\n## ")[0]
        assert section.count("\n- ") >= len(list(advised(entry))), entry.id
        assert [link for link in entry.links if link not in section] == [], entry.id


def test_what_markdown_would_take_for_markup_is_escaped_but_not_in_code():
    text = pages()["versions.md"]
    assert "wandb &lt;version&gt;" in text
    assert "`wandb sync`" in pages()["mode_and_sync.md"]


def test_commands_stand_in_a_block_without_indentation():
    assert "\n  ```\n  wandb login --host https://api.wandb.ai\n  ```\n" in pages()["credentials.md"]


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (None, ""),
        ("lumi", "(on LUMI) "),
        ("not lumi", "(not on LUMI) "),
        ("sdk<0.23.1", "(with wandb <0.23.1) "),
        ("cloud and not key_here", "(on wandb.ai, without a key here) "),
        ("server_in_script", "(if the script names the server) "),
    ],
)
def test_a_condition_is_told_in_words(when, told):
    assert condition(when) == told
