"""Endpoints: what they refuse while they move, what an update does, what a deletion leaves."""

from behaviours.table import (
    ARN,
    DESCRIBED,
    IMAGE,
    NAME,
    SERVED,
    VALIDATION,
    Behaviour,
    Gives,
    Refused,
    Until,
    broken_model,
    config,
    endpoint,
    settled,
    variant,
)

BUSY = "Cannot update in-progress endpoint"
UPDATE = ("update_endpoint", {"EndpointName": NAME, "EndpointConfigName": NAME})
SECOND = config("two-$name", ProductionVariants=[variant(InitialInstanceCount=2)])
TO_SECOND = ("update_endpoint", {"EndpointName": NAME, "EndpointConfigName": "two-$name"})
DELETE = ("delete_endpoint", {"EndpointName": NAME})
WEIGHTS = (
    "update_endpoint_weights_and_capacities",
    {
        "EndpointName": NAME,
        "DesiredWeightsAndCapacities": [
            {"VariantName": "AllTraffic", "DesiredWeight": 3, "DesiredInstanceCount": 2}
        ],
    },
)
# An update to a model that does not come up has ended, one way or the other.
ROLLED_BACK = [
    *SERVED,
    broken_model("bad-$name"),
    config("bad-$name", "bad-$name"),
    ("update_endpoint", {"EndpointName": NAME, "EndpointConfigName": "bad-$name"}),
    settled(),
    DESCRIBED,
]
COUNT = "ProductionVariants[0].DesiredInstanceCount"
GONE = Until("list_endpoints", {"NameContains": NAME}, "length(Endpoints)", (0,))

BEHAVIOURS = [
    Behaviour(
        "an endpoint is created slowly",
        "D",
        [*SERVED[:3], DESCRIBED],
        Gives("EndpointStatus", "Creating"),
        passing=True,
    ),
    Behaviour(
        "no update while it is created",
        "O",
        [*SERVED[:3], UPDATE],
        Refused(VALIDATION, BUSY),
        passing=True,
    ),
    Behaviour(
        "no deletion while it is created",
        "O",
        [*SERVED[:3], DELETE],
        Refused(VALIDATION, BUSY),
        passing=True,
    ),
    Behaviour(
        "no weights while it is created",
        "O",
        [*SERVED[:3], WEIGHTS],
        Refused(VALIDATION, BUSY),
        passing=True,
    ),
    Behaviour(
        "no second update",
        "O",
        [*SERVED, SECOND, TO_SECOND, UPDATE],
        Refused(VALIDATION, BUSY),
        passing=True,
    ),
    Behaviour(
        "no deletion during an update",
        "O",
        [*SERVED, SECOND, TO_SECOND, DELETE],
        Refused(VALIDATION, BUSY),
        passing=True,
    ),
    Behaviour(
        "an update shows",
        "D",
        [*SERVED, SECOND, TO_SECOND, DESCRIBED],
        Gives("EndpointStatus", "Updating"),
        passing=True,
    ),
    Behaviour(
        "what an update brings is pending",
        "B",
        [*SERVED, SECOND, TO_SECOND, DESCRIBED],
        Gives("PendingDeploymentSummary.EndpointConfigName", "two-$name"),
        passing=True,
    ),
    Behaviour(
        "and is there once it has ended",
        "D",
        [*SERVED, SECOND, TO_SECOND, settled(), DESCRIBED],
        Gives(
            "[EndpointStatus, EndpointConfigName, PendingDeploymentSummary]",
            ["InService", "two-$name", None],
        ),
    ),
    Behaviour(
        "counts are those of the new config",
        "TF#48990",
        [*SERVED, SECOND, TO_SECOND, settled(), DESCRIBED],
        Gives(COUNT, 2),
    ),
    Behaviour(
        "unless they are retained",
        "A,TF#48990",
        [
            *SERVED,
            SECOND,
            ("update_endpoint", {**TO_SECOND[1], "RetainAllVariantProperties": True}),
            settled(),
            DESCRIBED,
        ],
        Gives(COUNT, 1),
    ),
    Behaviour(
        "or excluded from that",
        "A",
        [
            *SERVED,
            SECOND,
            (
                "update_endpoint",
                {
                    **TO_SECOND[1],
                    "RetainAllVariantProperties": True,
                    "ExcludeRetainedVariantProperties": [
                        {"VariantPropertyType": "DesiredInstanceCount"}
                    ],
                },
            ),
            settled(),
            DESCRIBED,
        ],
        Gives(COUNT, 2),
    ),
    Behaviour(
        "weights and counts are set later",
        "D",
        [*SERVED, WEIGHTS, settled(), DESCRIBED],
        Gives("ProductionVariants[0].[DesiredWeight, DesiredInstanceCount]", [3.0, 2]),
    ),
    Behaviour(
        "a failed update goes back without saying so",
        "TF#46663",
        ROLLED_BACK,
        Gives("[EndpointStatus, EndpointConfigName]", ["InService", NAME]),
    ),
    Behaviour(
        "but for a reason", "TF#46663,A", ROLLED_BACK, Gives("type(FailureReason)", "string")
    ),
    Behaviour(
        "an endpoint that does not come up has failed",
        "D",
        [broken_model(NAME), config(), endpoint(), settled(), DESCRIBED],
        Gives("EndpointStatus", "Failed"),
    ),
    Behaviour(
        "and can only be deleted",
        "D,TF#40080",
        [broken_model(NAME), config(), endpoint(), settled(), UPDATE],
        Refused(VALIDATION),
    ),
    Behaviour(
        "an image with its digest",
        "B",
        [*SERVED, DESCRIBED],
        Gives("ProductionVariants[0].DeployedImages[0].SpecifiedImage", IMAGE),
    ),
    Behaviour(
        "deletion takes a moment",
        "D",
        [*SERVED, DELETE, DESCRIBED],
        Gives("EndpointStatus", "Deleting"),
        passing=True,
    ),
    Behaviour(
        "and then it is not there",
        "A",
        [*SERVED, DELETE, GONE, DESCRIBED],
        Refused(VALIDATION, "Could not find endpoint"),
    ),
    Behaviour(
        "its config stays",
        "A",
        [*SERVED, DELETE, GONE, ("describe_endpoint_config", {"EndpointConfigName": NAME})],
        Gives("EndpointConfigName", NAME),
    ),
    Behaviour(
        "a model in use is deleted",
        "§1.2",
        [*SERVED, ("delete_model", {"ModelName": NAME}), DESCRIBED],
        Gives("EndpointStatus", "InService"),
    ),
    Behaviour(
        "a config in use is deleted",
        "TF#40048",
        [*SERVED, ("delete_endpoint_config", {"EndpointConfigName": NAME}), DESCRIBED],
        Gives("[EndpointStatus, EndpointConfigName]", ["InService", NAME]),
    ),
    Behaviour(
        "and the next update misses it",
        "TF#40048",
        [*SERVED, SECOND, ("delete_endpoint_config", {"EndpointConfigName": NAME}), TO_SECOND],
        Refused(VALIDATION, f'Could not find endpoint configuration "{ARN}:endpoint-config/$name"'),
    ),
    Behaviour(
        "an endpoint of a config that is not there",
        "A",
        [endpoint(of="nowhere")],
        Refused(VALIDATION, "Could not find endpoint configuration"),
    ),
    Behaviour(
        "an endpoint answers",
        "D",
        [
            *SERVED,
            (
                "invoke_endpoint",
                {"EndpointName": NAME, "Body": b"[1]", "ContentType": "application/json"},
            ),
        ],
        Gives("InvokedProductionVariant", "AllTraffic"),
    ),
]
