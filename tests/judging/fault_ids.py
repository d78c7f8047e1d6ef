"""The faults that the catalogue must hold: their ids and severities are fixed, since users and tests rely on them."""

_IDS = {
    "credentials": """
        auth-no-key auth-key-86-old-sdk auth-key-too-short auth-key-illegal-chars auth-key-whitespace
        auth-env-overrides-netrc auth-key-rejected-401 auth-netrc-host-mismatch auth-netrc-unreadable
        auth-netrc-write-fails auth-home-not-in-container auth-base-url-invalid auth-two-credentials
        auth-wrong-account auth-key-in-script:warning auth-login-timeout-disables auth-prompt-choice-offline
        auth-login-verify-offline
    """,
    "mode_and_sync": """
        mode-env-offline mode-settings-file-offline mode-dryrun-legacy:warning mode-disabled-silent
        mode-wandb-disabled-ineffective:info mode-invalid-value mode-silent:info sync-never-run
        sync-truncated-file sync-empty-file sync-wrong-path sync-skips-synced:warning sync-skips-online
        sync-no-key sync-hang-renamed-run sync-deleted-run offline-resume-ignored offline-dir-in-ram
        api-offline-mode
    """,
    "network": """
        net-dns-failure net-connection-refused net-timeout-blackhole net-proxy-auth-407 net-tls-unknown-ca
        net-ca-bundle-missing net-server-5xx net-429-init net-429-filestream:warning net-filestream-4xx-fatal
        net-lost-midrun net-finish-hang net-lumi-egress-down net-api-misreported-as-auth
        net-line-too-big:warning net-retry-inner-status:info
    """,
    "init": """
        init-timeout-generic init-hang-after-timeout init-deleted-run-id init-entity-403 init-entity-404
        init-bad-project-name init-bad-run-id init-resume-must-missing init-resume-never-exists
        init-service-start-timeout init-service-died init-core-missing init-stale-wandb-service
        init-shadowed-by-folder init-shadowed-by-file init-not-installed init-protobuf-conflict
        init-pydantic-conflict init-dir-not-writable init-disk-quota init-core-panic
        init-env-changed-late:warning init-log-before-init init-log-after-finish
        init-active-run-returned:warning init-settings-file-ignored:warning init-setting-refused
        init-value-too-long init-config-changed-on-resume init-stale-sweep:warning
        init-unknown-variable:warning init-framework-without-logger
        init-script-without-wandb
    """,
    "duplicate_runs": """
        dup-one-run-per-rank dup-one-run-per-node dup-rank-unset-srun dup-same-id-all-ranks dup-requeue-new-run
        dup-shared-mode-legit:info dup-shared-two-primaries dup-shared-history-overwrite dup-dataloader-spawn
        dup-restart-without-resume
    """,
    "metrics": """
        metric-missing-key metric-short-series metric-reader-and-semantics metric-reader-sampling:warning
        metric-reader-scan-bug metric-reader-too-early:warning metric-nan-loss metric-np-nan-dropped
        metric-nonmonotonic-step metric-resumed-offset:warning metric-rank0-local-only:info metric-not-number
        metric-constant:warning metric-epoch-granularity console-log-missing:info metric-rows-merged
        metric-logged-too-seldom metric-tensorboard-not-synced
    """,
    "system_metrics": """
        sys-run-too-short sys-disabled-by-setting sys-rocm-smi-not-in-path sys-initstate-missing
        sys-rocm-smi-stderr-ok:warning sys-rocm-smi-nonzero sys-no-visible-gpus sys-slow-rocm-smi:warning
        sys-rocm6-keys-old-sdk sys-rocm5-mem-semantics:info sys-mi250x-second-die-power:info
        sys-zero-means-missing:info sys-all-8-gcds:info sys-only-rank0-node:info sys-frontier-regression
        sys-rocm-smi-removed-amd-smi:warning sys-xpu-binary-missing sys-cgroup-semantics:info sys-collector-died
    """,
    "job": """
        job-time-limit job-oom job-node-fail-requeue job-preempted-cancelled job-bad-account
        job-node-config-unavailable job-pending-forever:warning job-container-mount-fatal job-sif-missing
        job-module-missing job-exec-vs-run job-port-in-use job-rccl-wrong-iface
        job-rccl-no-ofi-plugin:warning job-rccl-timeout job-miopen-sqlite job-dataset-missing
        job-weights-download-fails job-gpu-driver-mismatch job-cpu-bind-mask
        job-arguments-missing job-world-size-mismatch job-no-gpu-here job-command-not-started
    """,
    "end_of_run": """
        end-crashed-heartbeat end-still-running:warning end-failed-exitcode end-lost-local-buffer
        end-sigterm-no-flush end-last-15s-lost end-no-finish-in-subproc end-ctrl-c
        end-files-not-uploaded:warning end-footer-lies end-leftover-tmp:info end-deadlock
        end-core-signalled end-artifact-staging-not-writable
    """,
    "live": """
        live-process-gone live-no-heartbeat live-not-uploaded live-no-steps live-silent-gpus
    """,
    "rehearsal": """
        reh-init-blocks reh-init-raises reh-finish-blocks reh-loop-waits reh-call-raises reh-goes-on-without-run
        reh-ends-without-finish reh-sync-fails reh-node-takes-rows:info
        reh-output-overwritten:warning reh-no-requeue:warning
        reh-needs-sync:info reh-sync-doubles:warning reh-held-up:info
        reh-new-run reh-id-changes reh-config-changes reh-second-start-fails reh-no-checkpoint reh-step-starts-again
        reh-rows-doubled reh-sigterm-not-handled reh-rows-lost
    """,
    "versions": """
        ver-sdk-yanked-0260:warning ver-legacy-service-removed:warning ver-core-banner:info ver-setting-names
        ver-mode-disabled-scope:info ver-python-too-old ver-server-too-old ver-api-exceptions-changed
        ver-api-creates-dirs:info ver-offline-files-differ:info
    """,
}
"""Ids by family; a severity other than error stands behind a colon."""

FAULTS = {
    word.partition(":")[0]: (family, word.partition(":")[2] or "error")
    for family, words in _IDS.items()
    for word in words.split()
}
"""Family and severity by id."""
