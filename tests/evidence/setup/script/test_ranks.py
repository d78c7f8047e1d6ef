"""A script that starts its ranks by itself is told from one that a launcher starts several times."""

import pytest

from harness.evidence.setup.script.ranks import starts_ranks


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("import torch.multiprocessing as mp\nmp.spawn(f, nprocs=2)", True),
        ("import torch\ntorch.multiprocessing.spawn(f, nprocs=2)", True),
        ("from accelerate import notebook_launcher\nnotebook_launcher(f, num_processes=2)", True),
        ("import ignite.distributed as idist\nidist.Parallel(backend='gloo', nproc_per_node=2)", True),
        ("import ignite.distributed as idist\nidist.Parallel(backend='gloo')", False),
        ("L.Trainer(strategy='ddp_spawn', devices=2)", True),
        ("L.Trainer(strategy='ddp', devices=2)", False),
        ("import os\nos.environ['RANK'] = '0'\nmp.spawn(f)", True),
        ("import os\nif 'RANK' in os.environ:\n    f()\nelse:\n    mp.spawn(f)", False),
        ("import os\nrank = int(os.environ.get('LOCAL_RANK', 0))\nmp.spawn(f)", False),
        ("import os\nos.getenv('WORLD_SIZE')\nmp.spawn(f)", False),
        ("player.spawn(enemy)", False),
        ("print('mp.spawn(f)')", False),
    ],
)
def test_starts_ranks(tmp_path, text, own):
    script = tmp_path / "train.py"
    script.write_text(text)
    assert starts_ranks(script) is own


def test_no_script_starts_none():
    assert not starts_ranks(None)
