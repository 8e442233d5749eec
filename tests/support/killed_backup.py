"""A command that kills itself with SIGKILL right before the n-th step of those that keep something."""

import os
import signal
from pathlib import Path

import console.backup.check
import console.backup.make
import console.backup.restore
import console.cli.backup
from console.cli.main import main

STEPS = {
    console.backup.make: ("copy_in_use", "copy", "count_contents", "settle", "file_of", "_write", "sync", "_name"),
    console.backup.restore: ("copy_at_rest", "settle", "place"),
    console.cli.backup: ("store_faults", "close_what_is_open", "erase_since", "copy", "place_others"),
}


def run_until(step: int, arguments: tuple[str, ...], environment: dict[str, str], out: Path) -> None:
    """Run `rolltop ARGUMENTS`, and die before the step with this number, from 1; 0 lets it live and print how many."""
    os.environ.clear()
    os.environ.update(environment)
    left = [step]

    def deadly(run):
        def counted(*given, **named):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return run(*given, **named)

        return counted

    for module, names in STEPS.items():
        for name in names:
            setattr(module, name, deadly(getattr(module, name)))
    with out.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        status = main(arguments)
        print(f"{-left[0]} steps", flush=True)
        os._exit(status)
