"""Runs coroutines of tests: a browser that another test opened in this process keeps its own event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run_alone(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread, where no loop runs yet, and give its result."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
