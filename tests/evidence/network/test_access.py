"""Who may write to a project, told from what the server says and from what it leaves out."""

import pytest

from harness.evidence.models.base import Trouble
from harness.evidence.models.setup import Viewer
from harness.evidence.network.access import access_of, server_version, viewer_of
from harness.evidence.network.graphql import Answer

ME = Viewer(username="me", entity="mine", teams=("team",))
NOT_UNDERSTOOD = Answer(http_ok=True, trouble=Trouble(kind="protocol", text="unknown field", http_status=400))
NO_JSON = Answer(http_ok=False, trouble=Trouble(kind="protocol", text="<html>", http_status=200))
DENIED = Answer(http_ok=True, trouble=Trouble(kind="permission", text="permission denied", http_status=403))
DOWN = Answer(http_ok=False, trouble=Trouble(kind="http", text="HTTP 502", http_status=502))


def says(**data):
    return Answer(http_ok=True, data=data)


@pytest.mark.parametrize("entity", ["me", "mine", "team"])
@pytest.mark.parametrize(
    ("answer", "access"),
    [
        (says(entity={"readOnly": False}, project=None), "writable"),
        (says(entity=None, project=None), "writable"),
        (says(entity={"readOnly": False}, project={"readOnly": False}), "writable"),
        (says(entity={"readOnly": False}, project={"readOnly": True}), "read_only"),
        (says(entity={"readOnly": True}, project=None), "read_only"),
        (NOT_UNDERSTOOD, "writable"),
        (NO_JSON, "unknown"),
        (DENIED, "unknown"),
        (DOWN, "unknown"),
    ],
)
def test_members(entity, answer, access):
    assert access_of(ME, entity, answer) == access


@pytest.mark.parametrize(
    ("answer", "access"),
    [
        (says(entity=None, project=None), "no_such_entity"),
        (says(entity={"available": True}, project=None), "no_such_entity"),
        (says(entity={"available": False}, project=None), "forbidden"),
        (says(entity={"available": False}, project={"readOnly": True}), "forbidden"),
        (says(entity={"available": False}, project={"readOnly": False}), "writable"),
        (says(entity="odd", project=7), "forbidden"),
        (says(), "unknown"),
        (NOT_UNDERSTOOD, "unknown"),
        (NO_JSON, "unknown"),
        (DENIED, "forbidden"),
        (DOWN, "unknown"),
    ],
)
def test_strangers(answer, access):
    assert access_of(ME, "other", answer) == access


@pytest.mark.parametrize("answer", [says(entity={"available": False}, project=None), DENIED])
def test_an_administrator_is_not_judged_by_membership(answer):
    assert access_of(ME.model_copy(update={"admin": True}), "other", answer) == "unknown"


@pytest.mark.parametrize(
    ("viewer", "expected"),
    [
        ({"username": "me"}, Viewer(username="me")),
        ({"username": "me", "entity": "", "teams": None}, Viewer(username="me")),
        ({"username": "me", "entity": 3, "admin": "yes"}, Viewer(username="me")),
        ({"username": "me", "admin": True}, Viewer(username="me", admin=True)),
        (
            {"username": "me", "teams": {"edges": [None, {}, {"node": {"name": "t"}}, {"node": {"name": 1}}]}},
            Viewer(username="me", teams=("t",)),
        ),
    ],
)
def test_the_owner_of_a_key(viewer, expected):
    assert viewer_of({"viewer": viewer}) == expected


@pytest.mark.parametrize(("viewer", "kind"), [(None, "auth"), ({}, "protocol"), ("me", "protocol"), ([], "protocol")])
def test_no_owner(viewer, kind):
    assert viewer_of({"viewer": viewer}).kind == kind


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ({"latestLocalVersionInfo": {"versionOnThisInstanceString": "0.80.0"}}, "0.80.0"),
        ({"latestLocalVersionInfo": None}, None),
        (None, None),
    ],
)
def test_the_version_of_the_server(info, version):
    assert server_version({"serverInfo": info}) == version
