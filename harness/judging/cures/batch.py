"""Edits of a batch script: its #SBATCH lines, what stands before srun, and how the container is started."""

import re
from collections.abc import Callable, Mapping


def directive(text: str, option: str, value: str = "") -> str:
    """Give an #SBATCH option this value: where it stands, or below the last #SBATCH line."""
    line = f"#SBATCH {option}={value}" if value else f"#SBATCH {option}"
    there = re.compile(rf"^#SBATCH\s+{re.escape(option)}(?:[= ].*)?$", re.MULTILINE)
    if there.search(text):
        return there.sub(line, text)
    lines = text.split("\n")
    known = [at for at, found in enumerate(lines) if found.startswith(("#SBATCH", "#!"))]
    lines.insert(known[-1] + 1 if known else 0, line)
    return "\n".join(lines)


def without_directive(text: str, option: str) -> str:
    """Take an #SBATCH option away."""
    return re.sub(rf"^#SBATCH\s+{re.escape(option)}(?:[= ].*)?\n", "", text, flags=re.MULTILINE)


def allow_requeue(text: str) -> str:
    """Let Slurm start the job again after a node failure."""
    return directive(without_directive(text, "--no-requeue"), "--requeue")


def without_word(text: str, *words: str) -> str:
    """Take options away wherever they stand as words of a command."""
    for word in words:
        text = re.sub(rf"(?<=\s){re.escape(word)}(?:=\S+)?[ \t]+", "", text)
    return text


def before_launch(text: str, *lines: str) -> str:
    """Put lines before the first command that starts ranks; those that are there already are not doubled."""
    added = [line for line in lines if line not in text]
    found = re.search(r"^[ \t]*(?:srun|torchrun|(?:time|exec)[ \t]+srun|(?:python3?|singularity|apptainer)\b)",
                      text, re.MULTILINE)  # fmt: skip
    if not added or found is None:
        return text
    return text[: found.start()] + "".join(f"{line}\n" for line in added) + text[found.start() :]


def run_container(text: str) -> str:
    """Start the container with `run`, so that its start script sets up the GPUs."""
    return re.sub(r"\b(singularity|apptainer)((?:\s+-{1,2}\S+)*)\s+exec\b", r"\1\2 run", text)


def without_variable(text: str, name: str) -> str:
    """Take away lines that set a variable."""
    return re.sub(rf"^[ \t]*(?:export[ \t]+)?{re.escape(name)}=\S*[ \t]*\n", "", text, flags=re.MULTILINE)


def ranks_of_srun(text: str) -> str:
    """Let each task that srun starts know its rank."""
    names = "RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS"
    found = re.findall(r"^[ \t]*srun\b.*?[ \t](?:python3?|singularity|apptainer)\b.*$", text, re.MULTILINE)
    if len(found) != 1 or "'" in found[0] or found[0].endswith("\\"):
        return text
    command = re.sub(r"(?<=\s)(python3?|singularity|apptainer)\b(.*)$", rf"bash -c '{names} \1\2'", found[0], count=1)
    return text.replace(found[0], command)


def without_lines(text: str, *words: str) -> str:
    """Take away the lines that load or name one of these."""
    return "".join(line for line in text.splitlines(keepends=True) if not any(word in line for word in words))


def module_path(text: str) -> str:
    """Tell the job's shell where LUMI's AI modules are, before the first of them is loaded."""
    use = "module use /appl/local/laifs/modules"
    found = re.search(r"^[ \t]*(?:module|ml)[ \t]+(?:load[ \t]+)?\S*lumi-aif", text, re.MULTILINE)
    return text if found is None or use in text else f"{text[: found.start()]}{use}\n{text[found.start() :]}"


def gpu_partition(text: str) -> str:
    """Ask for a node with GPUs, and for all of them."""
    return directive(directive(text, "--partition", "standard-g"), "--gpus-per-node", "8")


def node_size(text: str) -> str:
    """Ask for no more than a node of LUMI-G has."""
    text = without_directive(without_directive(text, "--mem-per-gpu"), "--cpus-per-gpu")
    return directive(directive(directive(text, "--gpus-per-node", "8"), "--cpus-per-task", "56"), "--mem", "480G")


def smaller(text: str) -> str:
    """Ask for what every partition allows."""
    return directive(directive(text, "--time", "00:10:00"), "--nodes", "1")


def more_memory(text: str) -> str:
    """Ask for the memory that belongs to each GPU."""
    return directive(without_directive(text, "--mem"), "--mem-per-gpu", "60G")


def sketch(text: str) -> str:
    """What only somebody who knows the script can write: the advice shows how it looks."""
    return text


BATCH_EDITS: Mapping[str, Callable[..., str]] = {
    "directive": directive,
    "without_directive": without_directive,
    "allow_requeue": allow_requeue,
    "without_word": without_word,
    "before_launch": before_launch,
    "run_container": run_container,
    "forget_variable": without_variable,
    "without_lines": without_lines,
    "module_path": module_path,
    "gpu_partition": gpu_partition,
    "node_size": node_size,
    "smaller": smaller,
    "more_memory": more_memory,
    "sketch": sketch,
    "ranks_of_srun": ranks_of_srun,
}
"""By the name that a catalogue uses."""
