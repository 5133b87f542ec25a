"""What stands when it was made: echoes and defaults, tags, deletion, lists."""

from behaviours.table import (
    ARN,
    ARTEFACT,
    BUCKET,
    IMAGE,
    NAME,
    QUALITY,
    SCHEDULED,
    SERVED,
    VALIDATION,
    Answer,
    Behaviour,
    Gives,
    Refused,
    config,
    group,
    model,
    package,
    schedule,
    variant,
)

MODEL = ("describe_model", {"ModelName": NAME})
CONFIG = ("describe_endpoint_config", {"EndpointConfigName": NAME})
QUALITY_FOUND = ("describe_data_quality_job_definition", {"JobDefinitionName": NAME})
SCHEDULE = ("describe_monitoring_schedule", {"MonitoringScheduleName": NAME})
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
MANAGED = variant(ManagedInstanceScaling={"Status": "ENABLED"})
SERVERLESS = {
    "VariantName": "AllTraffic",
    "ModelName": NAME,
    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
}


def echo(name, evidence, calls, path, value, passing=False) -> Behaviour:
    return Behaviour(name, evidence, calls, Gives(path, value), passing)


def tags(count: int, first: str = "k") -> list:
    return [{"Key": f"{first}{number}", "Value": "v"} for number in range(count)]


GROUP_ARN = f"{ARN}:model-package-group/{NAME}"
TAGGED = group(Tags=[{"Key": "team", "Value": "one"}])
LISTED = ("list_tags", {"ResourceArn": GROUP_ARN})


def add(*more) -> tuple:
    return "add_tags", {"ResourceArn": GROUP_ARN, "Tags": list(more)}


DEFAULTS = [
    echo(
        "a container serves one model",
        "L,A",
        [model(), MODEL],
        "PrimaryContainer.Mode",
        "SingleModel",
    ),
    echo("a model's network is open", "L,A", [model(), MODEL], "EnableNetworkIsolation", False),
    echo(
        "a variant's weight",
        "L",
        [model(), config(), CONFIG],
        "ProductionVariants[0].InitialVariantWeight",
        1.0,
    ),
    echo(
        "a config's network is open",
        "L",
        [model(), config(), CONFIG],
        "EnableNetworkIsolation",
        False,
    ),
    echo(
        "capture is on where it is described",
        "D",
        [model(), config(DataCaptureConfig=CAPTURE), CONFIG],
        "DataCaptureConfig.EnableCapture",
        True,
    ),
    echo(
        "a group is complete at once",
        "L",
        [group(), ("describe_model_package_group", {"ModelPackageGroupName": NAME})],
        "ModelPackageGroupStatus",
        "Completed",
    ),
    echo(
        "a definition's longest run",
        "L,A",
        [model(), *SERVED[1:], QUALITY, QUALITY_FOUND],
        "StoppingCondition.MaxRuntimeInSeconds",
        3600,
    ),
    echo(
        "how a definition's input comes",
        "L,A",
        [*SERVED, QUALITY, QUALITY_FOUND],
        "DataQualityJobInput.EndpointInput.[S3DataDistributionType, S3InputMode]",
        ["FullyReplicated", "File"],
    ),
    echo(
        "how a definition's output goes",
        "L,A",
        [*SERVED, QUALITY, QUALITY_FOUND],
        "DataQualityJobOutputConfig.MonitoringOutputs[0].S3Output.S3UploadMode",
        "EndOfJob",
    ),
    echo(
        "a schedule waits at first",
        "A,X#2342",
        [*SERVED, QUALITY, schedule(), SCHEDULE],
        "MonitoringScheduleStatus",
        "Pending",
        passing=True,
    ),
    echo(
        "and is scheduled then",
        "T",
        [*SERVED, QUALITY, schedule(), SCHEDULED, SCHEDULE],
        "MonitoringScheduleStatus",
        "Scheduled",
    ),
    echo(
        "a schedule's endpoint",
        "L",
        [*SERVED, QUALITY, schedule(), SCHEDULED, SCHEDULE],
        "EndpointName",
        NAME,
    ),
    echo(
        "a schedule's type",
        "L",
        [*SERVED, QUALITY, schedule(), SCHEDULED, SCHEDULE],
        "MonitoringType",
        "DataQuality",
    ),
]

SCHEDULES = [
    Behaviour(
        "a pending schedule is not updated",
        "X#2342",
        [*SERVED, QUALITY, schedule(), schedule("update")],
        Refused(VALIDATION, "Monitoring schedule in status Pending"),
        passing=True,
    ),
    Behaviour(
        "a pending schedule is not deleted",
        "X#2342",
        [
            *SERVED,
            QUALITY,
            schedule(),
            ("delete_monitoring_schedule", {"MonitoringScheduleName": NAME}),
        ],
        Refused(VALIDATION, "Monitoring schedule in status Pending"),
        passing=True,
    ),
    Behaviour(
        "an update makes a schedule pending",
        "§1.10",
        [*SERVED, QUALITY, schedule(), SCHEDULED, schedule("update"), SCHEDULE],
        Gives("MonitoringScheduleStatus", "Pending"),
        passing=True,
    ),
    Behaviour(
        "an update replaces all of a schedule",
        "§1.10",
        [
            *SERVED,
            QUALITY,
            schedule(),
            SCHEDULED,
            (
                "update_monitoring_schedule",
                {
                    "MonitoringScheduleName": NAME,
                    "MonitoringScheduleConfig": {
                        "MonitoringJobDefinitionName": NAME,
                        "MonitoringType": "DataQuality",
                    },
                },
            ),
            SCHEDULE,
        ],
        Gives("MonitoringScheduleConfig.ScheduleConfig", None),
    ),
    Behaviour(
        "a stopped schedule",
        "§1.10",
        [
            *SERVED,
            QUALITY,
            schedule(),
            SCHEDULED,
            ("stop_monitoring_schedule", {"MonitoringScheduleName": NAME}),
            SCHEDULED,
            SCHEDULE,
        ],
        Gives("MonitoringScheduleStatus", "Stopped"),
    ),
]

CONFIGS = [
    Behaviour(
        "managed scaling needs inference components",
        "T",
        [model(), config(ProductionVariants=[MANAGED])],
        Refused(VALIDATION, "ManagedInstanceScaling is"),
    ),
    Behaviour(
        "eleven variants",
        "B",
        [model(), config(ProductionVariants=[variant(VariantName=f"v{one}") for one in range(11)])],
        Refused(VALIDATION, "Member must have length less than or equal to 10"),
    ),
    Behaviour(
        "two variants of one name",
        "B",
        [model(), config(ProductionVariants=[variant(), variant()])],
        Refused(VALIDATION),
    ),
    Behaviour(
        "two serverless variants",
        "D",
        [model(), config(ProductionVariants=[SERVERLESS, {**SERVERLESS, "VariantName": "Other"}])],
        Refused(VALIDATION),
    ),
    Behaviour(
        "memory of an odd size",
        "B",
        [
            model(),
            config(
                ProductionVariants=[
                    {**SERVERLESS, "ServerlessConfig": {"MemorySizeInMB": 512, "MaxConcurrency": 5}}
                ]
            ),
        ],
        Refused(VALIDATION, "Member must have value greater than or equal to 1024"),
    ),
    Behaviour(
        "a config of a model that is not there",
        "A,T",
        [config(of="nowhere")],
        Refused(VALIDATION, f'Could not find model "{ARN}:model/nowhere"'),
    ),
    Behaviour(
        "both of one container and many",
        "B",
        [model(Containers=[{"Image": IMAGE, "ModelDataUrl": ARTEFACT}])],
        Refused(VALIDATION),
    ),
    Behaviour(
        "a model whose artefact is not there",
        "§1.1 data",
        [model(PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none.tar.gz"})],
        Refused(VALIDATION, f"Could not access model data at s3://{BUCKET}/none.tar.gz."),
    ),
]

TAGS = [
    Behaviour(
        "tags of creation are there",
        "B",
        [TAGGED, LISTED],
        Gives("Tags", [{"Key": "team", "Value": "one"}]),
    ),
    Behaviour(
        "adding a tag answers with all",
        "B",
        [TAGGED, add({"Key": "stage", "Value": "two"})],
        Gives("Tags[].Key | sort(@)", ["stage", "team"]),
    ),
    Behaviour(
        "adding a tag again changes it",
        "B",
        [TAGGED, add({"Key": "team", "Value": "two"}), LISTED],
        Gives("Tags", [{"Key": "team", "Value": "two"}]),
    ),
    Behaviour(
        "a tag that is taken off",
        "B",
        [TAGGED, ("delete_tags", {"ResourceArn": GROUP_ARN, "TagKeys": ["team", "none"]}), LISTED],
        Gives("Tags", []),
    ),
    Behaviour("fifty tags", "B", [group(Tags=tags(50)), LISTED], Gives("length(Tags)", 50)),
    Behaviour("fifty-one tags", "B", [group(Tags=tags(51))], Refused(VALIDATION, "50")),
    Behaviour(
        "one tag above fifty",
        "B",
        [group(Tags=tags(50)), add({"Key": "l", "Value": "v"})],
        Refused(VALIDATION),
    ),
    Behaviour(
        "AWS's own tags", "B", [group(Tags=[{"Key": "aws:x", "Value": "v"}])], Refused(VALIDATION)
    ),
    Behaviour(
        "a tag's key of 129 characters",
        "B",
        [group(Tags=[{"Key": "k" * 129, "Value": "v"}])],
        Refused(VALIDATION, "Member must have length less than or equal to 128"),
    ),
    Behaviour(
        "a page of fewer than 50 tags",
        "B",
        [TAGGED, ("list_tags", {"ResourceArn": GROUP_ARN, "MaxResults": 49})],
        Refused(VALIDATION, "Member must have value greater than or equal to 50"),
    ),
    Behaviour(
        "a version has no tags of its own",
        "ACK PR#54",
        [group(), package(Tags=tags(1))],
        Refused(VALIDATION),
    ),
]

LISTS = [
    Behaviour(
        "a page of 101",
        "B",
        [("list_models", {"MaxResults": 101})],
        Refused(VALIDATION, "less than or equal to 100"),
    ),
    Behaviour(
        "a page of one has a next",
        "B",
        [
            group("one-$name"),
            group("two-$name"),
            ("list_model_package_groups", {"NameContains": NAME, "MaxResults": 1}),
        ],
        Gives("[length(ModelPackageGroupSummaryList), type(NextToken)]", [1, "string"]),
    ),
    Behaviour(
        "and the next page has the other",
        "B",
        [
            group("one-$name"),
            group("two-$name"),
            ("list_model_package_groups", {"NameContains": NAME, "MaxResults": 1}),
            (
                "list_model_package_groups",
                {"NameContains": NAME, "MaxResults": 1, "NextToken": Answer("NextToken")},
            ),
        ],
        Gives(
            "[ModelPackageGroupSummaryList[].ModelPackageGroupName, NextToken]",
            [["one-$name"], None],
        ),
    ),
    Behaviour(
        "the newest come first",
        "D",
        [model("one-$name"), model("two-$name"), ("list_models", {"NameContains": NAME})],
        Gives("Models[].ModelName", ["two-$name", "one-$name"]),
    ),
    Behaviour(
        "a token that nobody gave out",
        "B",
        [("list_models", {"NextToken": "nonsense"})],
        Refused(VALIDATION),
    ),
    Behaviour(
        "a page after a time of change",
        "aws-sdk#486",
        [
            model(),
            config(),
            config("two-$name"),
            *SERVED[2:],
            ("create_endpoint", {"EndpointName": "two-$name", "EndpointConfigName": NAME}),
            ("list_endpoints", {"LastModifiedTimeAfter": 0, "MaxResults": 1}),
            (
                "list_endpoints",
                {"LastModifiedTimeAfter": 0, "MaxResults": 1, "NextToken": Answer("NextToken")},
            ),
        ],
        Refused(VALIDATION),
    ),
    Behaviour(
        "a name's part in other letters",
        "B",
        [model("CaseOf-$name"), ("list_models", {"NameContains": "caseof-$name"})],
        Gives("length(Models)", 1),
    ),
]

BEHAVIOURS = [*DEFAULTS, *SCHEDULES, *CONFIGS, *TAGS, *LISTS]
