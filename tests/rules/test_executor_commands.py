"""The command that a job's folder is handed to."""

from __future__ import annotations

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.rules.executor_commands import command_words, filled_words


@pytest.mark.parametrize(
    ("template", "run"),
    [
        ("sbatch --wait {job}/run.sh", ["sbatch", "--wait", "/a b/job/run.sh"]),
        ("sh -c 'cd {job} && ./run.sh'", ["sh", "-c", "cd /a b/job && ./run.sh"]),
        ("go --label={name} {{x}} {job}", ["go", "--label=router@1", "{x}", "/a b/job"]),
    ],
)
def test_placeholders_are_filled_in_word_by_word(template: str, run: list[str]) -> None:
    values = {"job": "/a b/job", "name": "router@1"}
    assert filled_words(command_words(template), values) == run


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "sbatch --wait run.sh",
            "params.yaml: executor.command: does not say which job: 'sbatch --wait run.sh'\n"
            "  hint: for instance: sbatch --wait {job}/run.sh",
        ),
        (
            "sbatch {job} {out}",
            "params.yaml: executor.command: no such placeholder: {out}\n"
            "  hint: {job} is the folder of a job, {name} what it is called",
        ),
        ("sh '{job}", 'params.yaml: executor.command: No closing quotation: "sh \'{job}"'),
    ],
)
def test_what_is_no_command_for_jobs_is_refused(template: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        command_words(template)
    assert str(caught.value) == said
