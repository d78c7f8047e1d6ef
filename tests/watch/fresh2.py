"""Second set."""
from tests.watch.simulated import Job, Pause, watched
from tests.watch.test_soak import broken
H = (
    Job("a row an epoch of 25 minutes, evaluated on one core", step_s=1500, start_s=1500, start_kind="train", spread=0.05, pauses=(Pause(180, "one core", every=1),), lasts_s=5 * 3600),
    Job("gradients are accumulated: bursts of 8 rows, 2 minutes apart", step_s=15, together=8, pauses=(Pause(100, "validate", every=80),), lasts_s=2 * 3600),
    Job("images get larger at one stroke", step_s=0.3, then=((1000, 6.0), (2000, 14.0)), lasts_s=3600),
    Job("the same without a GPU", step_s=0.3, gpus=0, then=((1000, 25.0),), lasts_s=3600),
    Job("each validation takes longer", pauses=tuple(Pause(s, "validate", at=a) for a, s in ((200, 60), (400, 120), (600, 240), (800, 480))), lasts_s=3600),
    Job("rank 0 evaluates, the others wait", step_s=0.5, pauses=(Pause(200, "one evaluates", every=1000),), lasts_s=3600),
    Job("rank 0 evaluates and logs, the others rest", step_s=0.5, pauses=(Pause(150, "one alone", every=2000, row_s=3),), lasts_s=5400),
    Job("no system metrics, evaluated for 8 minutes after 50 minutes", sample_s=None, pauses=(Pause(480, "validate", at=3000),), lasts_s=5400),
    Job("text is generated for evaluation, at 100 % with less power", step_s=2, pauses=(Pause(150, "generate", every=200),), lasts_s=5400),
    Job("preempted three times, five minutes to load", requeued=((600, 700), (1800, 1900), (3000, 3400)), restart_s=300, lasts_s=5400),
    Job("joined in a checkpoint of 200 s", joined_s=430, pauses=(Pause(200, "checkpoint", every=400),), lasts_s=3600),
    Job("a row a millisecond, the way is narrow", step_s=0.005, cut_off=((300, 345), (600, 650), (900, 960)), lasts_s=1500),
    Job("the loader stalls 25 s every 50 steps", step_s=0.5, pauses=(Pause(25, "idle", every=50),), lasts_s=3600),
    Job("one stall of 55 s after long", step_s=0.5, pauses=(Pause(55, "idle", at=3000),), lasts_s=3600),
    Job("the job's clock is 10 minutes behind, no GPU", gpus=0, sample_s=None, step_s=2, job_ahead_s=-600, lasts_s=3600),
    Job("the job's clock is 10 minutes behind", step_s=2, job_ahead_s=-600, pauses=(VAL := Pause(90, "validate", every=400),), lasts_s=3600),
    Job("the job's clock is 10 minutes ahead", step_s=2, job_ahead_s=600, pauses=(VAL,), lasts_s=3600),
    Job("agents: some answers take long, GPUs rest", gpus=0, trains="idle", step_s=20, tail=1.0, lasts_s=4 * 3600),
    Job("a remote simulator, steps of 90 s", gpus=0, trains="idle", step_s=90, spread=0.4, lasts_s=3 * 3600),
    Job("actor and critic take turns on halves of the GPUs", trains="halves", step_s=10, lasts_s=3600),
    Job("compiled again and again", pauses=(Pause(200, "compile", at=3), Pause(90, "compile", every=170)), lasts_s=3600),
    Job("rate limited: 2 minutes of every 7 without an answer", away=tuple((300 + 420 * n, 420 + 420 * n) for n in range(6)), pauses=(VAL,), lasts_s=3600),
)
P = (
    broken("spin", step_s=0.3, then=((500, 6.0),), own_s=15),
    broken("killed", gpus=0, trains="idle", step_s=20, tail=1.0, fault_s=3000, own_s=30),
    broken("idle", gpus=0, trains="idle", step_s=20, tail=1.0, fault_s=3000, own_s=240),
    broken("idle", step_s=0.5, pauses=(Pause(25, "idle", every=50),), fault_s=1500, own_s=30),
    broken("node-silent", nodes=8, step_s=30, fault_s=2000, own_s=60),
    broken("spin", step_s=2, pauses=(Pause(150, "generate", every=200),), fault_s=2500, own_s=150),
    broken("cut", upload_s=90, own_s=90),
    broken("killed", pauses=(Pause(600, "validate", at=900),), own_s=30),
    broken("nan", step_s=120, fault_s=3000, own_s=120),
    broken("spin", requeued=((600, 700),), restart_s=300, fault_s=2000, own_s=100),
    broken("idle", job_ahead_s=120, own_s=60),
    broken("killed", job_ahead_s=-600, step_s=2, own_s=30),
    broken("idle", sample_s=None, pauses=(Pause(120, "validate", every=300),), fault_s=2000, own_s=120),
)
if __name__ == "__main__":
    import sys
    w = sys.argv[1] if len(sys.argv) > 1 else ""
    for j in [j for j in H if w in j.name]:
        a = watched(j)
        print("ok  " if a is None else "FALSE", j.name, a or "")
    for j in [j for j in P if w in j.name]:
        a = watched(j)
        good = a and j.fault_s <= a[0] <= j.fault_s + 3 * j.own_s + 30 + j.step_s
        print("ok  " if good else "WRONG", j.name, f"{a[0]-j.fault_s:.0f} s of {3 * j.own_s + 30 + j.step_s:.0f}, {a[1]}" if a else "never")
