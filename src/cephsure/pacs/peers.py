"""Who is spoken with over DICOM: an application entity's title, its host and its port."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from cephsure.errors import InputError
from cephsure.review.access import in_url, is_address, is_loopback

OWN_TITLE = "CEPHSURE"
_TITLE = re.compile(r"[ -\[\]-~]{1,16}")  # PS3.5, AE: 16 characters of ASCII, no backslash
_ADDRESS = re.compile(r"(?P<ae>[^@]+)@(?P<host>\[[^\]]+\]|[^:\[\]]+):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity and where it listens.

    Examples:
        >>> str(Peer.parse("ORTHANC@[::1]:4242")), Peer.parse("PACS@archive.example:104").host
        ('ORTHANC@[::1]:4242', 'archive.example')
    """

    ae: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``AE@host:port``.

        Raises:
            InputError: it is not of this form.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if found is None or not 0 < int(found["port"]) < 65536:
            raise InputError(
                f"{text!r} is no peer", remedy="give AE@host:port, such as ORTHANC@127.0.0.1:4242"
            )
        return cls(checked_title(found["ae"]), found["host"].strip("[]"), int(found["port"]))

    def __str__(self) -> str:
        return f"{self.ae}@{in_url(self.host)}:{self.port}"


def checked_title(title: str) -> str:
    """An AE title without the spaces around it.

    Raises:
        InputError: it is none: up to 16 characters of ASCII without a backslash, not only spaces.
    """
    if not title.strip() or not _TITLE.fullmatch(title.strip()):
        raise InputError(f"{title!r} is no AE title", remedy="up to 16 letters and digits")
    return title.strip()


def check_reach(host: str, allowed: tuple[str, ...]) -> None:
    """Refuse to take films from other machines without a list of who may send them.

    Raises:
        InputError: there is no such list, or no such address.
    """
    if not is_address(host):
        raise InputError(f"{host!r} is no address to listen on", remedy="give one such as 127.0.0.1")
    if not is_loopback(host) and not allowed:
        raise InputError(
            f"on {host} every machine of the network could send films",
            remedy="name with --allow-ae who may",
        )


REACHED_BY_OTHERS = (
    "other machines can reach this service: DICOM is not encrypted here and an AE title is no password; "
    "let a firewall or a VPN decide who comes this far"
)
