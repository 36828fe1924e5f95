"""`python -m demo`, which is what `make demo` runs."""

import signal
import sys


def main() -> int:
    """Run the demo; returns the exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script that starts it in the background has it ignored
    try:
        from demo.run import run  # noqa: PLC0415 - reading the modules takes a second, and Ctrl-C must end it cleanly too

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
