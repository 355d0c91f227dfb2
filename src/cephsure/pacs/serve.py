"""The storage service: takes films, has them predicted, sends what was found, until it is stopped."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.pacs.peers import OWN_TITLE, Peer, check_reach, checked_title
from cephsure.pacs.predicting import ModelPredictor
from cephsure.pacs.receiver import Receiver
from cephsure.pacs.sending import FolderOutlet, PeerOutlet
from cephsure.pacs.store import GIGABYTE, FilmStore
from cephsure.pacs.workers import Worker, predict_next, send_next
from cephsure.training.run_lock import hold
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cephsure.inference.session import Device
    from cephsure.pacs.predicting import FilmPredictor

QUOTA_GB = 20.0
_GRACE_S = 30.0
_LOCK_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """How to serve.

    Attributes:
        folder: where films, results and the ledger are kept.
        ae: the service's AE title.
        host: the address to listen on.
        port: 0 takes a free one.
        allowed: AE titles that may send; any if empty, which only this machine's programs may then.
        send_to: who gets the results; None for the folder's ``out``.
        quota_gb: what all films together may take.
        model: a shipped model's name or a bundle's folder.
        device: where it is computed.
        mm_per_px: a scale that goes before what films state.
    """

    folder: Path
    ae: str = OWN_TITLE
    host: str = "127.0.0.1"
    port: int = 0
    allowed: tuple[str, ...] = ()
    send_to: Peer | None = None
    quota_gb: float = QUOTA_GB
    model: str = DEFAULT_MODEL
    device: Device = "cpu"
    mm_per_px: float | None = None


def serve(
    options: StorageOptions,
    *,
    on_ready: Callable[[Peer], None],
    predictor: FilmPredictor | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until Ctrl-C or ``stop``, and return when all is closed.

    Args:
        options: how.
        on_ready: is given the service's title and address as soon as it listens.
        predictor: makes the results; a process with the model by default.
        stop: ends the service once it is set.

    Raises:
        InputError: the folder, the address, a title or the model cannot be used.
    """
    check_reach(options.host, options.allowed)
    title, allowed = checked_title(options.ae), tuple(map(checked_title, options.allowed))
    predictor = predictor or _model_predictor(options)
    stop = stop or threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone_in(options.folder))
        store = FilmStore.open(options.folder, quota_bytes=int(options.quota_gb * GIGABYTE))
        stack.callback(store.ledger.close)
        store.ledger.try_all_now()
        outlet = PeerOutlet(options.send_to, own_title=title) if options.send_to else FolderOutlet(store.out)
        sender = Worker(partial(send_next, store, outlet), name="cephsure-dicom-send")
        predicting = Worker(
            partial(predict_next, store, predictor, sender.wake), name="cephsure-dicom-predict"
        )
        stack.callback(predictor.end)
        receiver = Receiver(
            store,
            ae=title,
            allowed=allowed,
            most_bytes=DEFAULT_LIMITS.max_file_bytes,
            on_film=predicting.wake,
        )
        port = receiver.start(options.host, options.port)
        for worker in (sender, predicting):
            worker.start()
            stack.callback(worker.stop, _GRACE_S)
        stack.callback(receiver.stop)
        on_ready(Peer(title, options.host, port))
        with contextlib.suppress(KeyboardInterrupt):
            stop.wait()


def _model_predictor(options: StorageOptions) -> ModelPredictor:
    """A process with the model, which is looked at first: one that cannot be used is complained of now."""
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.review.model_facts import ModelFacts

    check_mm_per_px(options.mm_per_px)
    ModelFacts.of(options.model)
    return ModelPredictor(options.model, options.device, mm_per_px=options.mm_per_px)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Work in the folder alone."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(folder, patience_s=_LOCK_PATIENCE_S))
        except InputError as error:
            raise InputError(
                error.what, where=folder, remedy="stop the other service, or give another --folder"
            ) from error
        yield
