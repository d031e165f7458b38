"""The process of the local AWS: ministack, run as a library, mended by ``local.emulator_patches``.

``python -m local.emulator --port 4566 --state DIR`` serves on 127.0.0.1 alone until SIGTERM or until its
standard input ends (so it cannot outlive its parent), then saves its state. SIGUSR1 saves the state at once:
without that a ``kill -9`` of this process falls back to the last save. ``--as-shipped`` leaves the patches
out, for their probes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path


def configure(port: int, state: Path) -> None:
    """Set ministack's environment, which it reads when it is imported. Variables that are set already win."""
    scratch = state / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)  # a killed emulator leaves the unzipped code of its workers
    scratch.mkdir(parents=True)
    os.environ["TMPDIR"] = str(scratch)
    settings = {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "LAMBDA_WARM_TTL_SECONDS": "60",
        # A socket that does not exist: else it removes the containers of other ministacks when it starts.
        "DOCKER_HOST": f"unix://{scratch}/none.sock",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def main(arguments: list[str] | None = None) -> int:
    """Run the emulator; returns 0 after a stop that was asked for."""
    parser = argparse.ArgumentParser(prog="local.emulator")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--as-shipped", action="store_true")
    options = parser.parse_args(arguments)
    configure(options.port, options.state.resolve())
    from local.emulator_server import serve  # noqa: PLC0415  ministack reads the environment when it is imported

    asyncio.run(serve(options.port, options.state.resolve(), as_shipped=options.as_shipped))
    return 0


if __name__ == "__main__":
    sys.exit(main())
