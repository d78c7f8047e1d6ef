"""Edits of a Python script, by the name that a catalogue uses: text and arguments in, text out.

An edit that finds nothing to change, or no safe way, gives the text back as it was.
"""

from collections.abc import Callable, Mapping

from harness.judging.cures.edits import environment, framework, init, log, order, outage, printed, ranks, reading


def sketch(text: str) -> str:
    """What only somebody who knows the script can write: the advice shows how it looks."""
    return text


EDITS: Mapping[str, Callable[..., str]] = {
    "sketch": sketch,
    "one_writer": ranks.one_writer,
    "resume_by_job": ranks.resume_by_job,
    "one_primary": ranks.one_primary,
    "rank_as_number": ranks.rank_as_number,
    "rank_from_slurm": ranks.rank_from_slurm,
    "main_guard": ranks.main_guard,
    "drop_argument": init.drop_argument,
    "set_argument": init.set_argument,
    "shorten_argument": init.shorten_argument,
    "mode_online": init.mode_online,
    "project_alone": init.project_alone,
    "clean_id": init.clean_id,
    "resume_afresh": init.resume_afresh,
    "allow_config_change": init.allow_config_change,
    "without_require": init.without_require,
    "known_setting": init.known_setting,
    "without_disabled_run": init.without_disabled_run,
    "without_limits": environment.without_limits,
    "variables_before_wandb": environment.variables_before_wandb,
    "clip_gradients": order.clip_gradients,
    "exit_on_sigterm": order.exit_on_sigterm,
    "commit_constant_rows": log.commit_constant_rows,
    "forget_variable": environment.forget_variable,
    "strip_variable": environment.strip_variable,
    "login_without_key": environment.login_without_key,
    "default_group": environment.default_group,
    "on_gpu": environment.on_gpu,
    "log_printed": printed.log_printed,
    "begin_run": printed.begin_run,
    "survive_reading": reading.survive_reading,
    "rename_metric": log.rename_metric,
    "drop_step": log.drop_step,
    "commit_rows": log.commit_rows,
    "as_number": log.as_number,
    "as_mean": log.as_mean,
    "log_apart": log.log_apart,
    "as_dictionary": log.as_dictionary,
    "log_where_a_run_is": log.log_where_a_run_is,
    "finish_later": order.finish_later,
    "finish_before_exit": order.finish_before_exit,
    "one_init": order.one_init,
    "attach_logger": framework.attach_logger,
    "log_every": framework.log_every,
    "with_setting": outage.with_setting,
    "offline_at_need": outage.offline_at_need,
    "offline_for_disabled": outage.offline_for_disabled,
    "without_wait": outage.without_wait,
}
