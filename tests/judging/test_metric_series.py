"""Views of metric series, host series and GPUs: the same for server and disk, for every SDK version."""

import math

import pytest

from harness.evidence.models import Device, NodeTelemetry, Request, Telemetry
from harness.judging.expected_gpus import expected_gpus
from harness.judging.metric_names import close_names
from harness.judging.metric_series import near, number, rows, series, where_to_look
from harness.judging.system_series import gpu_gaps, gpus, host_series
from tests.judging import build as b

NAMES = ["train/loss", "train_loss", "Loss", "val_loss", "lr", "cross_entropy_loss", "Accuracy", "grad_norm"]


@pytest.mark.parametrize(
    ("expected", "existing", "close"),
    [
        ("loss", NAMES, ("Loss", "train/loss", "train_loss")),
        ("loss", ["val_loss", "epoch_loss"], ("epoch_loss", "val_loss")),
        ("loss", ["losss", "grad_norm"], ("losss",)),
        ("acc", ["val/acc1", "train_accuracy", "lr"], ("train_accuracy", "val/acc1")),
        ("train/loss", ["loss", "val/loss"], ("loss", "val/loss")),
        ("acc", ["lr", "loss", "epoch"], ()),
        ("loss", ["loss", "_step"], ()),
        ("Loss", ["epoch_loss", "loss"], ("loss", "epoch_loss")),
        ("loss", ["eval_loss", "train_loss"], ("train_loss", "eval_loss")),
        ("loss", ["evaluation_loss", "train_loss"], ("train_loss", "evaluation_loss")),
        ("loss", ["cross_entropy_loss", "val_loss"], ("val_loss", "cross_entropy_loss")),
        ("loss", ["aux_margin_loss", "margin_loss"], ("margin_loss", "aux_margin_loss")),
        ("loss", ["losss", "margin_loss"], ("margin_loss", "losss")),
        ("perplexity", ["perplex", "perplexit"], ("perplexit", "perplex")),
        ("loss", ["lost", "last"], ("lost",)),
    ],
)
def test_close_names(expected, existing, close):
    assert close_names(expected, existing) == close


def both(values, **request):
    """The same series on server and disk."""
    log = b.log(series={"loss": b.disk_series("loss", values)}, history_rows=len(values))
    return b.evidence(
        request=Request(server="real", **request),
        local=b.local(b.local_run(log=log)),
        server=b.server(b.server_run(series={"loss": b.logged("loss", values)}, rows=len(values))),
    )


@pytest.mark.parametrize(
    "values", [(3.0, 2.0, 1.0), (3.0, "NaN", "NaN"), (3.0, "text", 1.0), ("NaN", "NaN", "NaN"), (1.0, 1.0, 1.0)]
)
def test_server_and_disk_give_the_same_view(values):
    found = both(values)
    server, disk = series(found, "loss", "server"), series(found, "loss", "disk")
    fields = ("count", "non_finite", "others", "first_step", "last_step", "constant", "sketch")
    assert [getattr(server, f) for f in fields] == [getattr(disk, f) for f in fields]
    assert rows(found, "server") == rows(found, "disk") == 3


@pytest.mark.parametrize("where", ["server", "disk"])
def test_numbers_are_counted_with_nan_among_them_and_without_texts(where):
    view = series(both((1.0, "NaN", "NaN", "text")), "loss", where)
    assert (view.count, view.non_finite, view.others) == (3, 2, 1)


@pytest.mark.parametrize("where", ["server", "disk"])
@pytest.mark.parametrize(
    ("values", "constant"),
    [((1.0, 1.0, 1.0), True), ((1.0, 1.0), False), ((1.0, 1.0, "NaN"), False), ((1.0, 1.0, 2.0), False)],
)
def test_three_equal_numbers_are_constant(where, values, constant):
    assert series(both(values), "loss", where).constant is constant


def test_rows_are_counted_where_the_run_is_judged():
    found = b.evidence(local=b.local(b.local_run(log=b.log(history_rows=7))), server=b.server(b.server_run(rows=5)))
    assert (rows(found), rows(found, "disk")) == (5, 7)
    assert rows(found.model_copy(update={"request": Request(source="run_dir", server="none")})) == 7
    assert rows(b.evidence(server=b.server(b.server_run(rows=None)))) == 0
    assert (rows(b.no_run(), "server"), rows(b.no_run(), "disk")) == (0, 0)


@pytest.mark.parametrize(
    ("value", "read"),
    [(3, 3.0), (0.5, 0.5), ("Infinity", math.inf), ("-Infinity", -math.inf), ("3", None), (True, None), (None, None)],
)
def test_numbers_of_the_evidence(value, read):
    assert number(value) == read


def test_nan_is_a_number_of_the_evidence():
    assert math.isnan(number("NaN"))


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        ({}, "server"),
        ({"offline": True}, "disk"),
        ({"offline": True, "sync": True}, "server"),
        ({"source": "run_dir"}, "disk"),
        ({"source": "run"}, "server"),
    ],
)
def test_where_the_run_is_judged(request_, where):
    assert where_to_look(b.evidence(request=Request(server="real", **request_))) == where


def test_only_names_that_hold_numbers_are_near():
    held = {"Loss": b.server_series("Loss", numbers=0, others=3), "train_loss": b.server_series("train_loss")}
    assert near(b.evidence(server=b.server(b.server_run(series=held))), "loss") == ("train_loss",)
    once = {"train_loss": b.server_series("train_loss", count=1, numbers=1)}
    assert near(b.evidence(server=b.server(b.server_run(series=once))), "loss") == ("train_loss",)


SERIES = {
    "0.19.5": ["cpu", "memory_percent", "proc.memory.rssMB", "disk./.usageGB", "disk.in", "network.recv"],
    "0.31.0": ["cpu", "proc.cpu.threads", "proc.memory.percent", "disk.vda.in", "network.tcpRetransmits"],
}


@pytest.mark.parametrize("names", SERIES.values(), ids=SERIES)
@pytest.mark.parametrize("where", ["server", "disk"])
def test_host_series_of_every_version(names, where):
    log = b.log(system={n: b.disk_system(n, (1.0, 2.0)) for n in names})
    run = b.server_run(system={f"system.{n}": b.system(n, (1.0, 2.0)) for n in names})
    found = b.evidence(local=b.local(b.local_run(log=log)), server=b.server(run))
    assert all(host_series(found, kind, where) for kind in ("cpu", "memory", "disk", "network"))


def on_server(system, **change):
    run = b.server_run(system={f"system.{k}": b.system(k, v) for k, v in system.items()}, **change)
    return b.evidence(server=b.server(run))


def test_gpu_memory_is_no_host_memory():
    assert host_series(on_server({"gpu.0.memory": (1.0,)}), "memory") == ()


def test_gpus_by_vendor_and_label():
    found = on_server({
        "gpu.0.gpu/l:node1": (50.0,), "gpu.0.memoryOverDrive/l:node1": (0.0,), "gpu.1.gpu/l:node1": (0.0,),
        "gpu.0.gpu/l:node2": (50.0,), "gpu.0.memoryAllocatedBytes/l:node2": (1e9,), "gpu.process.0.gpu": (50.0,),
    })  # fmt: skip
    seen = [(g.label, g.index, g.vendor, g.used) for g in gpus(found)]
    assert seen == [
        ("node1", 0, "amd", True), ("node1", 1, "unknown", False), ("node2", 0, "nvidia", True),
    ]  # fmt: skip


def test_gaps_of_nvidia_do_not_ask_for_power():
    whole = {"gpu.0.gpu": (50.0,), "gpu.0.memoryAllocatedBytes": (1e9,), "gpu.0.temp": (40.0,)}
    assert gpu_gaps(on_server(whole)) == ()
    assert gpu_gaps(on_server({k: v for k, v in whole.items() if not k.endswith("temp")})) == (
        "GPU 0 reports no temperature",
    )


@pytest.mark.parametrize(("busy", "used"), [(0.9, False), (1.0, True)])
@pytest.mark.parametrize("key", ["gpu.0.gpu", "gpu.0.memoryAllocated"])
def test_a_gpu_works_from_one_per_cent_on(key, busy, used):
    (gpu,) = gpus(on_server({"gpu.0.temp": (40.0,), key: (0.0, busy)}))
    assert gpu.used is used


def test_a_gpu_with_nothing_above_zero_was_not_measured():
    keys = ("gpu.0.gpu", "gpu.0.memoryAllocated", "gpu.0.temp", "gpu.0.powerWatts", "gpu.0.memoryOverDrive")
    assert gpu_gaps(on_server(dict.fromkeys(keys, (0.0,)))) == ("GPU 0 reports 0 for everything",)
    assert gpu_gaps(on_server({**dict.fromkeys(keys, (0.0,)), "gpu.0.gpu": (0.5,)})) == (
        "GPU 0 reports power 0 in every sample",
    )


@pytest.mark.parametrize("where", ["server", "disk"])
def test_samples_are_kept_with_their_times(where):
    log = b.log(system={"cpu": b.disk_system("cpu", (1.0, 2.0))})
    run = b.server_run(system={"system.cpu": b.system("cpu", (1.0, 2.0))})
    (view,) = host_series(b.evidence(local=b.local(b.local_run(log=log)), server=b.server(run)), "cpu", where)
    assert view.sketch == ((0.0, 1.0), (1.0, 2.0))


EXPECTED = {
    "nothing": (b.evidence(), None),
    "asked of Slurm": (b.evidence(request=Request(target="slurm", nproc=8)), 8),
    "probe": (
        b.evidence(telemetry=Telemetry(nodes=(NodeTelemetry(host="n", rank=0, devices=(Device(index=0),)),))), 1,
    ),
    "environment": (b.evidence(server=b.server(b.server_run(metadata={"gpu_count": 4, "gpu": "AMD Instinct"}))), 4),
    "Slurm's word in the environment": (
        b.evidence(server=b.server(b.server_run(metadata={"slurm": {"gpus_on_node": "8"}}))), 8,
    ),
    "series alone": (on_server({"gpu.0.gpu": (1.0,), "gpu.1.gpu": (1.0,)}), 2),
}  # fmt: skip


@pytest.mark.parametrize(("found", "count"), EXPECTED.values(), ids=EXPECTED)
def test_expected_gpus(found, count):
    expected = expected_gpus(found)
    assert (expected.count if expected else None) == count
