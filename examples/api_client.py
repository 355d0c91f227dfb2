"""A client of ``cephsure serve`` with nothing but Python's own library: copy it, or run it.

    python examples/api_client.py http://127.0.0.1:8000 film.png --mm-per-px 0.1
    CEPHSURE_TOKEN=... python examples/api_client.py https://ceph.example.org film.dcm

What the service answers is described by its ``/openapi.json``. Research use only, not a medical device.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

RETRIES = 20


class Landmark(TypedDict):
    """What this client reads of a landmark; there is more in it."""

    code: str
    name: str
    x_px: float
    y_px: float
    verdict: str | None
    expected_error_mm: float | None


class Prediction(TypedDict):
    """What this client reads of a prediction."""

    schema: str
    verdict: str | None
    why: str | None
    promise: str
    landmarks: list[Landmark]


class ServiceError(Exception):
    """The service said what is wrong."""

    def __init__(self, status: int, error: str, remedy: str | None) -> None:
        super().__init__(f"{status}: {error}" + (f" ({remedy})" if remedy else ""))
        self.status, self.error, self.remedy = status, error, remedy


@dataclass(frozen=True)
class Client:
    """A service, and the token for it where it asks for one."""

    url: str
    token: str | None = None
    timeout_s: float = 300.0

    def predict(self, film: Path, **fields: str | float) -> Prediction:
        """Find a film's landmarks.

        Sends it again where the service is busy, or no answer came: the key makes that one request.

        Raises:
            ServiceError: the film or an option cannot be used, or the token is wrong.
        """
        content, body_end = film.read_bytes(), secrets.token_hex(16)
        body = _form(content, fields, body_end)
        key = hashlib.sha256(body.replace(body_end.encode(), b"")).hexdigest()
        headers = {"Content-Type": f"multipart/form-data; boundary={body_end}", "Idempotency-Key": key}
        return cast("Prediction", self._sent(f"{self.url}/v1/predict", headers, body))

    def _sent(self, url: str, headers: dict[str, str], body: bytes) -> Any:
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - the caller's own address
        for attempt in range(RETRIES):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                wait_s = error.headers.get("Retry-After")
                if wait_s is None or attempt == RETRIES - 1:
                    raise _service_error(error) from None
                time.sleep(float(wait_s))
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if attempt == RETRIES - 1:
                    raise
                time.sleep(1)
        raise AssertionError


def _form(film: bytes, fields: dict[str, str | float], boundary: str) -> bytes:
    """A form with a film: its name is not sent."""
    parts = []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts.append(f"{head}{value}\r\n".encode())
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="film"; filename="film"\r\n\r\n'
    return b"".join([*parts, head.encode(), film, f"\r\n--{boundary}--\r\n".encode()])


def _service_error(error: urllib.error.HTTPError) -> ServiceError:
    try:
        said = json.load(error)
        return ServiceError(error.code, said["error"], said["remedy"])
    except (ValueError, KeyError, TypeError):
        return ServiceError(error.code, str(error.reason), None)


def main() -> None:
    """Print what was found on a film, a line a landmark."""
    parser = argparse.ArgumentParser(description="Ask cephsure serve for a film's landmarks.")
    parser.add_argument("url")
    parser.add_argument("film", type=Path)
    parser.add_argument("--mm-per-px", type=float)
    asked = parser.parse_args()
    fields = {} if asked.mm_per_px is None else {"mm_per_px": asked.mm_per_px}
    client = Client(asked.url.rstrip("/"), os.environ.get("CEPHSURE_TOKEN"))
    found = client.predict(asked.film, **fields)
    print(f"{found['verdict']}: {found['why']}")
    print(found["promise"])
    for mark in found["landmarks"]:
        error = mark["expected_error_mm"]
        doubt = "" if error is None else f"  expected error {error:.2f} mm"
        print(f"{mark['code']:4} {mark['x_px']:8.1f} {mark['y_px']:8.1f}{doubt}")


if __name__ == "__main__":
    main()
