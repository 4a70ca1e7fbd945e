"""A connection to a Ray cluster, which is refused at once where nobody listens: Ray itself asks for two minutes."""

import logging
import re
import socket
from typing import Any

_PATIENCE_S = 5.0


class ClusterError(ConnectionError):
    """Why there is no connection, in one line."""


def connect(address: str) -> Any:
    """Ray, connected; `shutdown()` ends it.

    Args:
      address: as `ray.init` takes it: host:port, ray://host:port or auto.

    Raises:
      ClusterError: Ray is not installed, or no cluster answers.
    """
    try:
        import ray  # its types are not whole
    except ModuleNotFoundError as error:
        raise ClusterError("Ray is not installed: pip install 'fixed-point-kws[sweep]'") from error
    try:
        _check_listens(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterError(f"no Ray cluster answers ({error})") from error
    return ray


def _check_listens(address: str) -> None:
    """Raises `OSError` where an address names a host and a port at which nobody listens."""
    named = re.fullmatch(r"(?:ray://)?\[?([^/]*?)\]?:(\d+)", address)
    if named:
        socket.create_connection((named[1], min(int(named[2]), 65535)), _PATIENCE_S).close()
