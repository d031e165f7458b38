"""The addresses of a deployment, in the cloud and on a laptop: what tells the two worlds apart."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws

from infra.routes import SOCKET_STAGE


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where clients and functions find the two APIs. The values hold CloudFormation references.

    ``audience`` is the host and port that a client signs: the ones of the base URL that its user configured.
    ``management_url`` is where functions post to sockets.
    """

    socket_api_id: str
    http_api_id: str
    audience: str
    base_url: str
    socket_url: str
    management_url: str


def cloud_addresses(socket_api_id: str, http_api_id: str) -> Addresses:
    """The addresses that API Gateway gives the two APIs."""
    domain = f"execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
    return Addresses(
        socket_api_id=socket_api_id,
        http_api_id=http_api_id,
        audience=f"{http_api_id}.{domain}:443",
        base_url=f"https://{http_api_id}.{domain}",
        socket_url=f"wss://{socket_api_id}.{domain}/{SOCKET_STAGE}",
        management_url=f"https://{socket_api_id}.{domain}/{SOCKET_STAGE}",
    )


def local_addresses(socket_api_id: str, http_api_id: str, *, port: int) -> Addresses:
    """The addresses that the local cloud gives them, behind its one port; no name needs resolving."""
    host = f"127.0.0.1:{port}"
    socket_path = f"{host}/_aws/execute-api/{socket_api_id}/{SOCKET_STAGE}"
    return Addresses(
        socket_api_id=socket_api_id,
        http_api_id=http_api_id,
        audience=host,
        base_url=f"http://{host}/_aws/execute-api/{http_api_id}",
        socket_url=f"ws://{socket_path}",
        management_url=f"http://{socket_path}",
    )
