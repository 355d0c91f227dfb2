"""``cephsure`` and ``python -m cephsure``: the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; one that is stopped while it is still being loaded ends in one line too."""
    try:
        from cephsure.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
