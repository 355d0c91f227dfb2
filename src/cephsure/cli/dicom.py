"""``cephsure dicom``: a storage service for films, its state, and films and results over DICOMweb."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.options import ComputedOn, MmPerPx, ModelName
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, check_installed

if TYPE_CHECKING:
    from cephsure.pacs.peers import Peer
    from cephsure.pacs.status import ServiceState

dicom_app = typer.Typer(
    help="Take films over DICOM and send results back; fetch and send over DICOMweb.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
_SERVICE = {"pynetdicom": "pynetdicom", "highdicom": "highdicom"}
_WEB = {"dicomweb_client": "dicomweb-client"}


@dicom_app.command()
def serve(
    *,
    folder: Annotated[
        Path, Option(metavar="DIR", help="Keeps films, results and the queue; for its owner alone.")
    ],
    port: Annotated[int, Option(min=0, max=65535, help="The service's port; 0 takes a free one.")] = 0,
    ae: Annotated[str, Option(metavar="TITLE", help="The service's AE title.")] = "CEPHSURE",
    host: Annotated[str, Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    allow_ae: Annotated[
        str | None,
        Option(
            metavar="LIST",
            help="AE titles that may send, commas between; needed beyond this machine.",
            show_default="any program of this machine",
        ),
    ] = None,
    send_to: Annotated[
        str | None,
        Option(metavar="AE@HOST:PORT", help="Who gets the results.", show_default="the folder DIR/out"),
    ] = None,
    quota: Annotated[
        float, Option(min=0.001, metavar="GB", help="What films may take; more are refused.")
    ] = 20.0,
    model: ModelName = DEFAULT_MODEL,
    device: ComputedOn = "cpu",
    mm_per_px: MmPerPx = None,
) -> None:
    """Be a DICOM storage service: take films, find their landmarks, send report and presentation state back.

    The service's AE@host:port stands alone on the first line of standard output. A film is acknowledged when
    it is on the disk, and has one report, however often it is sent and the service stopped.

    Exit status: 0 stopped by Ctrl-C or SIGTERM; 2 some input could not be used; 1 a failure of cephsure.
    """
    check_installed("a DICOM service", _SERVICE, extra="pacs")
    from cephsure.pacs.peers import REACHED_BY_OTHERS, Peer
    from cephsure.pacs.serve import StorageOptions
    from cephsure.pacs.serve import serve as serve_films
    from cephsure.review.access import is_loopback

    options = StorageOptions(
        folder=folder,
        ae=ae,
        host=host,
        port=port,
        allowed=tuple(filter(None, (each.strip() for each in (allow_ae or "").split(",")))),
        send_to=None if send_to is None else Peer.parse(send_to),
        quota_gb=quota,
        model=model,
        device=device,
        mm_per_px=mm_per_px,
    )

    def on_ready(at: Peer) -> None:
        terminal.say(str(at))
        sys.stdout.flush()
        if not is_loopback(host):
            terminal.remark(REACHED_BY_OTHERS)
        terminal.remark(f"results go to {options.send_to or folder / 'out'}; Ctrl-C ends the service")

    serve_films(options, on_ready=on_ready)


@dicom_app.command()
def status(
    folder: Annotated[Path, Argument(metavar="FOLDER", help="The folder of a service, running or not.")],
) -> None:
    """Show what a service's films wait for, what failed and what is done.

    Films are named by a digest of their SOP Instance UID, as their files are.

    Exit status: 0 shown; 2 it is no service's folder; 1 a failure of cephsure.
    """
    from cephsure.pacs.status import state_of

    terminal.say(*_lines(state_of(folder)))


def _lines(state: ServiceState) -> list[str]:
    """A service's state in words."""
    lines = [
        f"films     {state.films:>6}",
        f"  waiting {state.waiting:>6}",
        f"  failed  {state.failed:>6}",
        f"  done    {state.done:>6}",
        f"results   {state.results:>6}",
        f"  unsent  {state.unsent:>6}",
        f"  sent    {state.sent:>6}",
    ]
    return [*lines, *state.troubles]


_Archive = Annotated[str, Argument(metavar="URL", help="The archive's DICOMweb service.")]
_Credentials = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Holds user:password, or a token, in one line.",
        show_default="the variable CEPHSURE_DICOMWEB",
    ),
]
_Trusted = Annotated[
    Path | None,
    Option("--ca", metavar="FILE", help="Certificates to trust.", show_default="the usual authorities"),
]


@dicom_app.command()
def pull(
    url: _Archive,
    *,
    study: Annotated[
        list[str], Option("--study", metavar="UID", help="Study Instance UID; can be given again.")
    ],
    out: Annotated[Path, Option(metavar="DIR", help="Where the files go.")],
    everything: Annotated[
        bool, Option("--all", help="Also what is no film: reports, presentation states.")
    ] = False,
    credentials: _Credentials = None,
    ca: _Trusted = None,
) -> None:
    """Fetch the films of studies from an archive over DICOMweb (QIDO-RS, WADO-RS).

    Files are named by a digest of their SOP Instance UID. The archive's certificate is always verified.

    Exit status: 0 fetched; 2 some input could not be used, or the archive refused; 1 a failure of cephsure.
    """
    check_installed("DICOMweb", _WEB, extra="pacs")
    from cephsure.pacs.dicomweb import Archive
    from cephsure.pacs.dicomweb import pull as pull_films

    archive = Archive(url, credentials_file=credentials, ca_file=ca)
    files = pull_films(
        archive, study, out, films_only=not everything, on_file=lambda path: terminal.say(str(path))
    )
    terminal.remark(f"fetched {terminal.counted(len(files), 'file')}")


@dicom_app.command()
def push(
    url: _Archive,
    files: Annotated[list[Path], Argument(metavar="FILE", help="DICOM files, or folders of .dcm files.")],
    *,
    credentials: _Credentials = None,
    ca: _Trusted = None,
) -> None:
    """Store DICOM files in an archive over DICOMweb (STOW-RS).

    The archive's certificate is always verified.

    Exit status: 0 all stored; 2 some were not, the rest is all the same; 1 a failure of cephsure.
    """
    check_installed("DICOMweb", _WEB, extra="pacs")
    from cephsure.pacs.dicomweb import Archive, files_of
    from cephsure.pacs.dicomweb import push as push_file

    archive, complaints = Archive(url, credentials_file=credentials, ca_file=ca), terminal.Complaints()
    given = list(files_of(files))
    for file in given:
        try:
            push_file(archive, file)
        except InputError as error:
            complaints.add(error)
        else:
            terminal.say(str(file))
    complaints.end(inputs=len(given))
