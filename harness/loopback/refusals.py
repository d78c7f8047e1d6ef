"""What the embedded server has not, by name: an operation that asks for it is refused in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from harness.loopback.errors import ApiError

LAUNCH = "launch queues"
REGISTRIES = "registries"
AUTOMATIONS = "automations"
MEMBERS = "management of users and teams"
LOCAL_SCHEDULER = "local sweep scheduler"
VIEWS = "reports and saved workspaces"

# Fields of the real server's API that lead to what is not here; names are those in the documents that the SDK sends.
NOT_HERE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "Project.runQueue",
            "Project.runQueues",
            "Entity.defaultResourceConfig",
            "Query.launchAgent",
            "Query.job",
            "Mutation.ackRunQueueItem",
            "Mutation.createDefaultResourceConfig",
            "Mutation.createLaunchAgent",
            "Mutation.createRunQueue",
            "Mutation.deleteFromRunQueue",
            "Mutation.deleteRunQueues",
            "Mutation.failRunQueueItem",
            "Mutation.popFromRunQueue",
            "Mutation.pushToRunQueue",
            "Mutation.pushToRunQueueByName",
            "Mutation.updateLaunchAgent",
            "Mutation.updateRunQueueItemWarning",
            "Mutation.upsertRunQueue",
        ),
        LAUNCH,
    ),
    **dict.fromkeys(
        (
            "Entity.artifactCollections",
            "Entity.artifactMemberships",
            "Organization.advancedRegistryFeatures",
            "Project.allowAllArtifactTypesInRegistry",
            "Project.members",
            "Project.teamMembers",
            "Mutation.createProjectMembers",
            "Mutation.deleteModel",
            "Mutation.deleteProjectMembers",
            "Mutation.renameProject",
            "Mutation.updateProjectMember",
            "Mutation.updateProjectTeamMember",
        ),
        REGISTRIES,
    ),
    **dict.fromkeys(
        (
            "Entity.integrations",
            "Entity.triggers",
            "Organization.triggers",
            "Project.triggers",
            "Query.searchScopes",
            "Query.triggers",
            "User.triggers",
            "Mutation.createFilterTrigger",
            "Mutation.createGenericWebhookIntegration",
            "Mutation.deleteTrigger",
            "Mutation.updateFilterTrigger",
        ),
        AUTOMATIONS,
    ),
    **dict.fromkeys(
        (
            "Mutation.createInvite",
            "Mutation.createServiceAccount",
            "Mutation.createTeam",
            "Mutation.createUser",
            "Mutation.deleteApiKey",
            "Mutation.deleteInvite",
            "Mutation.generateApiKey",
        ),
        MEMBERS,
    ),
    # What github.com/wandb/wandb-workspaces, a package of its own, asks for.
    **dict.fromkeys(
        (
            "Query.view",
            "Mutation.createAccessToken",
            "Mutation.deleteView",
            "Mutation.revokeAccessToken",
            "Mutation.upsertView",
        ),
        VIEWS,
    ),
    "Mutation.createAnonymousEntity": "anonymous accounts",
    "Mutation.enqueueSweepRun": LOCAL_SCHEDULER,
}


def refusal_words(subject: str) -> str:
    """The one sentence in which everything that is not here is refused; the harness looks for its first words."""
    return f"the embedded server has no {subject}: use --server real"


def not_here(subject: str) -> ApiError:
    """The refusal of a resolver."""
    return ApiError(refusal_words(subject), 400)


class _Asked(Visitor):
    """Collects the fields of a document that the schema lacks, as `Type.field`."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.missing: list[str] = []

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Notes a field that its type does not have."""
        parent = self._info.get_parent_type()
        if parent is not None and self._info.get_field_def() is None and node.name.value != "__typename":
            self.missing.append(f"{get_named_type(parent).name}.{node.name.value}")


def refused_subject(schema: GraphQLSchema, document: DocumentNode) -> str | None:
    """What a document asks for that is not here by intention; None where what it asks for is simply not known."""
    info = TypeInfo(schema)
    asked = _Asked(info)
    visit(document, TypeInfoVisitor(info, asked))
    subjects = [NOT_HERE.get(missing) for missing in asked.missing]
    known = [subject for subject in subjects if subject is not None]
    return known[0] if known else None
