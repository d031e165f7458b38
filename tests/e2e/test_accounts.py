"""Looking accounts up, and what is neither a frame nor an account."""

from __future__ import annotations

import json

from tests.e2e.client import Device, new_id


def test_an_account_is_found_by_handle_and_by_id(alice: Device, bob: Device) -> None:
    """Both ways give the same: handle, account and the device list that a sender needs."""
    by_handle = alice.request("GET", f"/v1/handles/{bob.handle}")
    assert by_handle == alice.request("GET", f"/v1/accounts/{bob.account}")
    status, found = by_handle
    assert (status, found["account"], found["handle"]) == (200, bob.account, bob.handle)
    assert [device["device"] for device in found["devices"]] == [1]


def test_what_does_not_exist_is_not_found(alice: Device) -> None:
    """A handle is matched exactly; an id nobody has is nobody's."""
    for path in (f"/v1/handles/{alice.handle[:-1]}", f"/v1/accounts/{new_id()}"):
        status, body = alice.request("GET", path)
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


def test_only_the_owner_sees_the_blocks(alice: Device, bob: Device) -> None:
    """One's own account lists them; the blocked one sees nothing different."""
    before = bob.request("GET", f"/v1/accounts/{alice.account}")
    alice.request("PUT", f"/v1/account/blocks/{bob.account}")
    assert alice.request("GET", "/v1/account")[1]["blocked"] == [bob.account]
    assert bob.request("GET", f"/v1/accounts/{alice.account}") == before
    alice.request("DELETE", f"/v1/account/blocks/{bob.account}")
    assert alice.request("GET", "/v1/account")[1]["blocked"] == []


async def test_an_action_that_does_not_exist_is_told(alice: Device) -> None:
    """The frame is refused by name and the socket lives on."""
    async with await alice.connect() as a:
        error = await a.refused(json.dumps({"action": "shout", "ref": "x"}), "x")
        assert error["code"] == "UNKNOWN_ACTION"
        await a.drain()
