"""The end of a program that a test has started in a session of its own."""
import os
import signal


def end_group(process):
    """Kills the program with all that it has started, and waits for it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
