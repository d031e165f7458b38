"""Answers with what came, by a post to the own socket through @connections."""

from __future__ import annotations

import http.client
import os
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import get_session

_endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"])
_credentials = get_session().get_credentials().get_frozen_credentials()
_connection = http.client.HTTPConnection(_endpoint.netloc)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Post the body of the frame back to the socket it came from."""
    path = f"{_endpoint.path}/@connections/{quote(event['requestContext']['connectionId'], safe='')}"
    body = event["body"].encode()
    request = AWSRequest("POST", f"{_endpoint.scheme}://{_endpoint.netloc}{path}", data=body)
    request.headers["content-type"] = "application/octet-stream"
    SigV4Auth(_credentials, "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    _connection.request("POST", path, body=body, headers=dict(request.headers))
    response = _connection.getresponse()
    response.read()
    if response.status != 200:
        raise RuntimeError(f"post to the own socket: {response.status}")
    return {"statusCode": 200}
