"""The registry and model cards: versions, approval, what may be deleted."""

from behaviours.table import (
    ARN,
    CONFLICT,
    NAME,
    VALIDATION,
    VERSION_1,
    Behaviour,
    Gives,
    Refused,
    group,
    package,
)

FOUND = ("describe_model_package", {"ModelPackageName": VERSION_1})
DELETE = ("delete_model_package", {"ModelPackageName": VERSION_1})
DELETE_GROUP = ("delete_model_package_group", {"ModelPackageGroupName": NAME})
CARD = ("create_model_card", {"ModelCardName": NAME, "Content": "{}", "ModelCardStatus": "Draft"})
CARD_FOUND = ("describe_model_card", {"ModelCardName": NAME})
CONTENT = '{"model_overview": {"model_owner": "judge"}}'


def approve(status: str, **more: object) -> tuple:
    return "update_model_package", {
        "ModelPackageArn": VERSION_1,
        "ModelApprovalStatus": status,
        **more,
    }


BEHAVIOURS = [
    Behaviour(
        "a version's number is in its ARN",
        "A,C",
        [group(), package()],
        Gives("ModelPackageArn", VERSION_1),
    ),
    Behaviour(
        "a version waits for approval",
        "D",
        [group(), package(), FOUND],
        Gives("ModelApprovalStatus", "PendingManualApproval"),
    ),
    Behaviour(
        "a version is complete at once",
        "§1.8",
        [group(), package(), FOUND],
        Gives("ModelPackageStatus", "Completed"),
    ),
    Behaviour(
        "approval may be taken back",
        "§1.8",
        [
            group(),
            package(),
            approve("Approved"),
            approve("Rejected"),
            approve("PendingManualApproval"),
            FOUND,
        ],
        Gives("ModelApprovalStatus", "PendingManualApproval"),
    ),
    Behaviour(
        "approval with words",
        "B",
        [group(), package(), approve("Approved", ApprovalDescription="fits"), FOUND],
        Gives("[ModelApprovalStatus, ApprovalDescription]", ["Approved", "fits"]),
    ),
    Behaviour(
        "an approval that there is not",
        "B",
        [group(), package(), approve("Perhaps")],
        Refused(VALIDATION, "Member must satisfy enum value set"),
    ),
    Behaviour(
        "metadata is added and taken out",
        "B",
        [
            group(),
            package(CustomerMetadataProperties={"a": "1", "b": "2"}),
            (
                "update_model_package",
                {
                    "ModelPackageArn": VERSION_1,
                    "CustomerMetadataProperties": {"c": "3"},
                    "CustomerMetadataPropertiesToRemove": ["a"],
                },
            ),
            FOUND,
        ],
        Gives("CustomerMetadataProperties", {"b": "2", "c": "3"}),
    ),
    Behaviour(
        "metadata leaves approval alone",
        "§1.8",
        [
            group(),
            package(),
            approve("Approved"),
            (
                "update_model_package",
                {"ModelPackageArn": VERSION_1, "CustomerMetadataProperties": {"c": "3"}},
            ),
            FOUND,
        ],
        Gives("ModelApprovalStatus", "Approved"),
    ),
    Behaviour(
        "versions count up",
        "§1.8",
        [group(), package(), package()],
        Gives("ModelPackageArn", f"{ARN}:model-package/$name/2"),
    ),
    Behaviour(
        "a deleted version's number is not used again",
        "§1.8",
        [group(), package(), DELETE, package()],
        Gives("ModelPackageArn", f"{ARN}:model-package/$name/2"),
    ),
    Behaviour(
        "the same token makes no second version",
        "B",
        [group(), package(ClientToken="once-$name"), package(ClientToken="once-$name")],
        Gives("ModelPackageArn", VERSION_1),
    ),
    Behaviour(
        "a name and a group",
        "moto#7165",
        [group(), package(ModelPackageName=NAME)],
        Refused(
            VALIDATION, "Both ModelPackageName and ModelPackageGroupName are provided in the input."
        ),
    ),
    Behaviour(
        "neither", "moto#7165", [("create_model_package", {})], Refused(VALIDATION, "Missing ARN.")
    ),
    Behaviour(
        "a list of versions has no names",
        "SDK#5606",
        [group(), package(), ("list_model_packages", {"ModelPackageGroupName": NAME})],
        Gives("ModelPackageSummaryList[].[ModelPackageName, ModelPackageArn]", [[None, VERSION_1]]),
    ),
    Behaviour(
        "versions of a group that is not there",
        "A",
        [("list_model_packages", {"ModelPackageGroupName": "nowhere"})],
        Refused(VALIDATION, "does not exist."),
    ),
    Behaviour(
        "a group with versions stays", "B", [group(), package(), DELETE_GROUP], Refused(CONFLICT)
    ),
    Behaviour(
        "a group without versions goes",
        "B",
        [
            group(),
            package(),
            DELETE,
            DELETE_GROUP,
            ("describe_model_package_group", {"ModelPackageGroupName": NAME}),
        ],
        Refused(VALIDATION, "does not exist."),
    ),
    Behaviour(
        "content and status in one call",
        "B",
        [
            CARD,
            (
                "update_model_card",
                {"ModelCardName": NAME, "Content": CONTENT, "ModelCardStatus": "Approved"},
            ),
        ],
        Refused(VALIDATION),
    ),
    Behaviour(
        "new content is a new version",
        "§1.12",
        [CARD, ("update_model_card", {"ModelCardName": NAME, "Content": CONTENT}), CARD_FOUND],
        Gives("ModelCardVersion", 2),
    ),
    Behaviour(
        "a new status is not",
        "§1.12",
        [
            CARD,
            ("update_model_card", {"ModelCardName": NAME, "ModelCardStatus": "Approved"}),
            CARD_FOUND,
        ],
        Gives("[ModelCardStatus, ModelCardVersion]", ["Approved", 1]),
    ),
]
