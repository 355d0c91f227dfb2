"""``cephsure serve``: films over HTTP, for other software."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from cephsure.cli import terminal
from cephsure.cli.options import ComputedOn, ModelName, ReaderName
from cephsure.workflows.batch import DEFAULT_MODEL, check_installed

NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
}


def serve(
    *,
    port: Annotated[int, Option(min=0, max=65535, help="The service's port; 0 takes a free one.")] = 0,
    host: Annotated[str, Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    model: ModelName = DEFAULT_MODEL,
    device: ComputedOn = "cpu",
    reader: ReaderName = None,
    allow_root: Annotated[
        list[Path] | None,
        Option(
            "--allow-root",
            metavar="DIR",
            help="Requests may name films in this folder instead of sending them; can be given again.",
            show_default="none",
        ),
    ] = None,
    project: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="A review project: its films, points, history and exports can be read.",
            show_default="none",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Holds the token that each request must have; needed beyond this machine.",
            show_default="none: this machine's programs may ask",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        Option(
            "--allow-host",
            metavar="NAME",
            help="A name by which requests may call the service, as behind a proxy; can be given again.",
            show_default="its address",
        ),
    ] = None,
    places: Annotated[
        int,
        Option(min=1, max=512, metavar="N", help="Requests for films at once; more are asked to come later."),
    ] = 64,
    upload_mb: Annotated[
        int, Option("--upload-mb", min=1, max=1024, metavar="MB", help="Largest film that may be sent.")
    ] = 200,
    grace: Annotated[
        float,
        Option("--grace", min=0, metavar="S", help="Seconds to finish in what was begun, when stopped."),
    ] = 30.0,
) -> None:
    """Answer other software over HTTP: predictions and measurements of films, as the commands print them.

    The service's address stands alone on the first line of standard output; /openapi.json describes what can
    be asked. One model is loaded once. Films that are sent are kept nowhere.

    Exit status: 0 stopped by Ctrl-C or SIGTERM; 2 some input could not be used; 1 a failure of cephsure.
    """
    check_installed("serve", NEEDED, extra="serve")
    from cephsure.service.callers import NOT_ENCRYPTED, OPEN_TO_ALL
    from cephsure.service.serve import ServeOptions
    from cephsure.service.serve import serve as serve_films
    from cephsure.service.uploads import UploadLimits

    options = ServeOptions(
        port=port,
        host=host,
        model=model,
        device=device,
        reader=reader,
        roots=tuple(allow_root or ()),
        project=project,
        token_file=token_file,
        names=tuple(allow_host or ()),
        places=places,
        grace_s=grace,
        limits=UploadLimits(most_bytes=upload_mb * 2**20),
    )

    def on_ready(address: str) -> None:
        terminal.say(address)
        sys.stdout.flush()
        terminal.remark(OPEN_TO_ALL if token_file is None else NOT_ENCRYPTED)
        terminal.remark("the service answers as long as this runs: Ctrl-C ends it")

    serve_films(options, on_ready=on_ready, tell=terminal.remark)
