"""``python -m cephsure``: the command line."""

from cephsure.cli.app import main

main()
