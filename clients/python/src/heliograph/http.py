"""HTTPS: requests signed by the device, retried where that is safe."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from heliograph import signing
from heliograph.errors import HeliographError, NetworkError, NoAnswer, Unavailable, from_wire
from heliograph.ids import AccountId, ServerClock
from heliograph.signing import AuthKey, Identity

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 15
TRIES = 3
LONGEST_WAIT = 15.0
"""Seconds that a request waits for a limit by itself; beyond that whoever asked decides."""


@functools.cache
def _tls() -> ssl.SSLContext:
    """Load the certificates once a process: it takes 20 ms."""
    import httpx2  # noqa: PLC0415

    return httpx2.create_ssl_context()


class HttpApi:
    """The HTTPS door of one server.

    A transient failure is tried three times, each time signed anew and no earlier than the server says. That
    is safe for every route but that of codes, which is asked once: the changes are idempotent, that of a
    device list too.
    """

    def __init__(
        self, base_url: str, clock: ServerClock, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        import httpx2  # noqa: PLC0415 - slow to import, and not needed offline

        self.base_url = base_url.rstrip("/")
        self.audience = signing.audience(base_url)
        self._clock = clock
        local = signing.is_loopback(base_url)
        self._client = httpx2.AsyncClient(
            transport=transport,
            verify=False if base_url.startswith("http:") else _tls(),
            trust_env=not local,  # no proxy for this machine
            timeout=TIMEOUT_SECONDS,
            headers={"user-agent": "heliograph-python/0.1"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def discover(self) -> dict[str, Any]:
        """Read the discovery document and learn the server's time from it.

        Raises:
            NetworkError: Nobody answers there.
            HeliographError: What answers is no such server.
        """
        asked_at = self._clock.local()
        answer = await self._request("GET", "/.well-known/heliograph", None, None)
        try:
            self._clock.learn(int(answer["time"]), asked_at)
            if not isinstance(answer["socket_url"], str):
                raise TypeError("socket_url")
        except (KeyError, TypeError, ValueError) as problem:
            raise HeliographError(f"{self.base_url} is no Heliograph server", code="NO_SERVER") from problem
        return answer

    async def request_code(self, key: AuthKey, number: str) -> dict[str, Any]:
        """Ask for a code, once: each time may send a message."""
        return await self._request(
            "POST", "/v1/codes", {"number": number, "auth_key": key.public}, None, tries=1
        )

    async def register(
        self, key: AuthKey, handle: str, name: str, token: str | None, code: str | None = None
    ) -> dict[str, Any]:
        """Claim a handle; repeating it with the same key gives the same account."""
        time = self._clock.now()
        verification = {"method": "open"}
        if code is not None:
            verification = {"method": "otp", "code": code}
        elif token is not None:
            verification = {"method": "oidc", "token": token}
        body = {
            "handle": handle,
            "auth_key": key.public,
            "name": name,
            "time": time,
            "signature": key.sign(signing.register_bytes(self.audience, handle, key.public, time)),
            "verification": verification,
        }
        return await self._request("POST", "/v1/register", body, None)

    async def chain(self, me: Identity, account: AccountId) -> dict[str, Any]:
        """Read an account with all entries of its device chain, unverified; a retired one has no devices."""
        return await self._request("GET", f"/v1/accounts/{account}/chain", None, me)

    async def by_handle(self, me: Identity, handle: str) -> dict[str, Any]:
        """Find an account by its exact handle, unverified."""
        return await self._request("GET", f"/v1/handles/{quote(handle, safe='+')}", None, me)

    async def own_account(self, me: Identity) -> dict[str, Any]:
        """Read the own account: handle, devices, blocked accounts."""
        return await self._request("GET", "/v1/account", None, me)

    async def devices(self, me: Identity) -> dict[str, Any]:
        """Read the own device list."""
        return await self._request("GET", "/v1/devices", None, me)

    async def link(self, me: Identity, own: dict[str, Any], auth_key: str, name: str) -> dict[str, Any]:
        """Take a new device in.

        Args:
            me: Who signs.
            own: The own list as `devices` gave it: the entry follows the newest one of its chain.
            auth_key: Key of the new device, base64url.
            name: What the owner calls it.
        """
        device = int(own["next_device"])
        entry = self._signed_entry(me, own, "add", device, auth_key)
        body = {"device": device, "auth_key": auth_key, "name": name, **entry}
        return await self._request("POST", "/v1/devices", body, me)

    async def remove_device(self, me: Identity, own: dict[str, Any], device: int) -> dict[str, Any]:
        """Remove a device, a lapsed one from the chain alone; `own` as in `link`."""
        entry = self._signed_entry(me, own, "remove", device, "-")
        return await self._request("DELETE", f"/v1/devices/{device}", entry, me)

    def _signed_entry(
        self, me: Identity, own: dict[str, Any], change: str, device: int, auth_key: str
    ) -> dict[str, Any]:
        number, head, time = int(own["chain"]["length"]) + 1, own["chain"]["head"], self._clock.now()
        statement = signing.chain_bytes(me.account, number, head, change, device, auth_key, me.device, time)
        return {"number": number, "time": time, "signature": me.key.sign(statement)}

    async def linked(self, auth_key: str) -> dict[str, Any]:
        """Ask where a new device was taken in.

        Raises:
            NotFound: Not yet.
        """
        return await self._request("GET", f"/v1/links/{auth_key}", None, None)

    async def upload_keys(self, me: Identity, keys: dict[str, Any]) -> dict[str, Any]:
        """Put prekeys of this device. Asked once: a repeat may bring one-time keys back that were given."""
        return await self._request("PUT", "/v1/keys", keys, me, tries=1)

    async def own_keys(self, me: Identity) -> dict[str, Any]:
        """Read which prekeys of this device the server has: ids, counts, digest."""
        return await self._request("GET", "/v1/keys", None, me)

    async def claim_keys(self, me: Identity, account: AccountId, devices: list[int]) -> dict[str, Any]:
        """Take a bundle of each device; its one-time keys are given to nobody else."""
        return await self._request("POST", "/v1/keys/claim", {"account": account, "devices": devices}, me)

    async def relate(self, me: Identity, method: str, relation: str, account: AccountId) -> dict[str, Any]:
        """Block, unblock or accept an account."""
        return await self._request(method, f"/v1/account/{relation}/{account}", None, me)

    async def _request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        signer: Identity | None,
        *,
        tries: int = TRIES,
    ) -> dict[str, Any]:
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        for attempt in range(tries):
            try:
                return await self._once(method, path, data, signer)
            except HeliographError as problem:
                wait = problem.retry_after or 0
                if not problem.retryable or attempt == tries - 1 or wait > LONGEST_WAIT:
                    raise
                if problem.code == "CLOCK_SKEW" and isinstance(problem.details.get("time"), int):
                    local = self._clock.local()
                    self._clock.learn(problem.details["time"], local)
                    continue
                await asyncio.sleep(wait + random.random() * max(wait / 4, 0.3 * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, data: bytes, signer: Identity | None) -> dict[str, Any]:
        import httpx2  # noqa: PLC0415

        headers = {"content-type": "application/json"} if data else {}
        if signer is not None:
            headers["authorization"] = signer.authorization(
                self.audience, method, path, data, self._clock.now()
            )
        try:
            answer = await self._client.request(
                method, self.base_url + path, content=data or None, headers=headers
            )
        except httpx2.TimeoutException as problem:
            raise NoAnswer(f"{self.audience} did not answer in time") from problem
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as problem:
            raise NetworkError(
                f"{self.audience} cannot be reached: {problem or type(problem).__name__}"
            ) from problem
        try:
            parsed = answer.json()
        except ValueError:
            parsed = None
        if isinstance(parsed, dict) and answer.is_success:
            return parsed
        if isinstance(parsed, dict) and isinstance(parsed.get("error"), dict):
            raise from_wire(parsed["error"])
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unavailable(f"{self.audience} answered with status {answer.status_code}")
        raise HeliographError(
            f"{method} {path} was answered with status {answer.status_code}",
            code=f"HTTP_{answer.status_code}",
        )


def devices_of(answer: dict[str, Any]) -> dict[int, str]:
    """Give device -> auth key of an answer with a device list."""
    return {int(entry["device"]): str(entry["auth_key"]) for entry in answer["devices"]}
