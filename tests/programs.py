"""Programs that tests run to their end."""

import os
import subprocess


def run(*words, cwd=None, without=(), **variables):
    """Run a program to its end and return what it printed; where it fails, show what it said.

    Args:
        without: variables that its environment lacks.
        variables: that its environment has beside those of this process.
    """
    environment = {name: value for name, value in os.environ.items() if name not in without} | variables
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
