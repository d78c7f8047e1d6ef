"""The errors that a W&B server gives, with the HTTP status and the words that the cloud uses."""

from __future__ import annotations

PERMISSION_ERROR = "PERMISSION_ERROR"


class ApiError(Exception):
    """A refusal that becomes a GraphQL error and, unlike most GraphQL servers, also the HTTP status.

    The cloud answers `{"errors": [{"message", "path", "extensions": {"code"}}], "data": {FIELD: null}}` with the
    status of the error: the texts below are quoted from the SDK's issue tracker.
    """

    def __init__(self, message: str, status: int, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        # graphql-core copies this attribute into the answer.
        self.extensions = {"code": code} if code else {}


def not_logged_in() -> ApiError:
    """The key is missing or unknown."""
    return ApiError("user is not logged in", 401, PERMISSION_ERROR)


def permission_denied() -> ApiError:
    """The key is good but does not reach this entity."""
    return ApiError("permission denied", 403, PERMISSION_ERROR)


def entity_not_found(entity: str, field: str) -> ApiError:
    """A mutation names an entity that does not exist."""
    return ApiError(f"entity {entity} not found during {field}", 404)


def project_not_found() -> ApiError:
    """A mutation names a project that does not exist."""
    return ApiError("project not found", 404)


def run_not_found(path: str) -> ApiError:
    """A mutation or the file stream names a run that does not exist."""
    return ApiError(f"run {path} not found", 404)


def run_was_deleted(path: str) -> ApiError:
    """A run id is used again after the run was deleted; the SDK retries this until its init timeout."""
    return ApiError(f"run {path} was previously created and deleted; try a new run name", 409)


def bad_request(message: str) -> ApiError:
    """The request cannot be read."""
    return ApiError(message, 400)
