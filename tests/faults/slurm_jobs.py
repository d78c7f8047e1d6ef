"""Jobs on a real Slurm whose evidence is recorded: which test plays each, and the root cause that is right."""

from __future__ import annotations

from typing import NamedTuple


class SlurmJob(NamedTuple):
    """A recorded job."""

    name: str
    test: str
    """Pattern of the test's name in tests/slurm."""
    expect: str | None
    """None: healthy."""


def _fault(case: str, cause: str) -> SlurmJob:
    return SlurmJob(f"slurm-{case}", f"test_fault_is_named[[]{case}]", cause)


def _refused(name: str, test: str, cause: str) -> SlurmJob:
    return SlurmJob(f"slurm-{name}", test, cause)


OPTIONS, SCRIPTS = "test_options_that_slurm_refuses[[]options{}-*", "test_scripts_that_slurm_refuses[[]*{}*"
JOBS = (
    _fault("time-limit", "job-time-limit"),
    _fault("time-limit-before-the-disk", "job-time-limit"),
    _fault("cancelled", "job-preempted-cancelled"),
    _fault("node-fails", "job-node-fail-requeue"),
    _fault("out-of-memory", "job-oom"),
    _fault("image-missing-in-the-job", "job-sif-missing"),
    _fault("mount-fatal", "job-container-mount-fatal"),
    _fault("module-missing", "job-module-missing"),
    _fault("data-missing", "job-dataset-missing"),
    _fault("weights", "job-weights-download-fails"),
    _fault("barrier", "job-rccl-timeout"),
    _fault("miopen", "job-miopen-sqlite"),
    _fault("rccl-interface", "job-rccl-wrong-iface"),
    _fault("cpu-masks", "job-cpu-bind-mask"),
    _fault("driver", "job-gpu-driver-mismatch"),
    _fault("exec-in-place-of-run", "job-exec-vs-run"),
    SlurmJob("slurm-port-in-use", "test_port_in_use", "job-port-in-use"),
    SlurmJob("slurm-ranks-wait-in-init", "test_ranks_wait_for_rank_0_in_wandb_init", "net-connection-refused"),
    SlurmJob("slurm-one-rank-ends-badly", "test_one_rank_ends_badly", "end-failed-exitcode"),
    SlurmJob("slurm-one-run-per-node", "test_one_run_per_node_is_told_from_one_per_rank", "dup-one-run-per-node"),
    SlurmJob("slurm-cancelled-while-waiting", "test_a_waiting_job_that_somebody_cancels", "job-preempted-cancelled"),
    SlurmJob("slurm-requeued", "test_requeue_keeps_the_output_and_the_id", "dup-requeue-new-run"),
    _refused("strange-account", OPTIONS.format(0), "job-bad-account"),
    _refused("empty-account", OPTIONS.format(1), "job-bad-account"),
    _refused("no-such-partition", OPTIONS.format(2), "job-bad-partition"),
    _refused("too-long", OPTIONS.format(3), "job-over-limit"),
    _refused("too-many-nodes", OPTIONS.format(4), "job-over-limit"),
    _refused("too-many-gpus", SCRIPTS.format("node configuration is not available"), "job-node-config-unavailable"),
    _refused("too-much-memory", SCRIPTS.format("Memory specification"), "job-node-config-unavailable"),
    _refused("line-breaks-of-dos", SCRIPTS.format("DOS line breaks"), "job-bad-script"),
    _refused("no-first-line", SCRIPTS.format("does not look like a batch script"), "job-bad-script"),
    _refused("unknown-option", SCRIPTS.format("unrecognized option"), "job-bad-script"),
    _refused("account-variable", "test_account_variable_wins_over_the_script", "job-bad-account"),
    _refused("third-job", "test_third_job_in_dev_g", "job-submit-limit"),
    _refused("controller-away", "test_slurm_is_away[[]slurmctld*", "job-slurm-unreachable"),
    _refused("munge-away", "test_slurm_is_away[[]munged*", "job-slurm-unreachable"),
    _refused("image-missing", "test_image_is_not_there", "job-sif-missing"),
    _refused("queue-busy", "test_job_never_starts[[]_busy*", "job-pending-forever"),
    _refused("nodes-drained", "test_job_never_starts[[]_drained*", "job-pending-forever"),
    _refused("maintenance", "test_job_never_starts[[]_maintenance*", "job-pending-forever"),
    SlurmJob("slurm-no-key", "test_no_key_means_no_job", "auth-no-key"),
    SlurmJob("slurm-ok", "test_key_stays_in_the_environment", None),
    SlurmJob("slurm-ok-srun", "test_plain_srun_launcher", None),
    SlurmJob("slurm-ok-own-batch-script", "test_own_batch_script_is_submitted_as_it_is", None),
    SlurmJob("slurm-ok-offline-and-synced", "test_offline_and_sync", None),
    SlurmJob("slurm-one-of-eight-ranks", "test_one_of_eight_ranks_was_started", "job-world-size-mismatch"),
    SlurmJob("slurm-command-not-found", "test_what_could_not_be_started*[[]not-found]", "job-command-not-started"),
    SlurmJob("slurm-ok-preempted-and-resumed", "test_preempted_and_resumed", None),
    SlurmJob("slurm-ok-options-contradicted", "test_options_that_the_job_contradicts", None),
    SlurmJob("slurm-ok-variables-taken-away", "test_variables_that_do_not_arrive[[]env -i]", None),
)
