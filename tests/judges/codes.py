"""The codes that an operation may refuse with: those of its model, and those that all operations of a
service have.

Of the latter the models say nothing. They are the "Common Errors" of each service's API reference, the
error codes of the S3 API reference, and what the services were seen to answer.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from botocore.model import OperationModel

# What the services that speak JSON refuse any request with.
OF_JSON = frozenset({
    "AccessDeniedException",
    "InternalFailure",
    "SerializationException",
    "ServiceUnavailable",
    "ThrottlingException",
    "UnknownOperationException",
    "ValidationException",
})
# And those that take forms.
OF_FORMS = frozenset({
    "AccessDenied",
    "InternalFailure",
    "InvalidAction",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "MissingParameter",
    "RequestEntityTooLarge",
    "ServiceUnavailable",
    "Throttling",
    "ValidationError",
})
COMMON: Mapping[str, frozenset[str]] = {
    "application-autoscaling": OF_JSON,
    "cloudwatch": OF_FORMS | OF_JSON,
    "events": OF_JSON,
    "iam": OF_FORMS,
    "logs": OF_JSON,
    "resourcegroupstaggingapi": OF_JSON,
    # EndpointNotFound and the like are texts, not codes.
    "sagemaker": OF_JSON,
    "sagemaker-runtime": frozenset({"ThrottlingException", "AccessDeniedException"}),
    "scheduler": OF_JSON,
    "sns": OF_FORMS,
    # The codes that SQS had in its forms.
    "sqs": OF_FORMS | {"InvalidParameterValue", "MissingParameter", "QueueAlreadyExists"},
    "sts": OF_FORMS,
    "s3": frozenset({
        "AccessDenied",
        "BadDigest",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "BucketNotEmpty",
        "EntityTooLarge",
        "EntityTooSmall",
        "IllegalVersioningConfigurationException",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidDigest",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidRange",
        "InvalidRequest",
        "InvalidTag",
        "KeyTooLongError",
        "MalformedXML",
        "MethodNotAllowed",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchUpload",
        "NoSuchVersion",
        "NotImplemented",
        "PreconditionFailed",
        "SlowDown",
    }),
}
# Here S3 often says no more than the code.
WORDLESS = frozenset({"s3"})
# Says that what the client has is what there is: no refusal, though it ends like one.
NOT_MODIFIED = 304
# A refusal of HEAD has no body, so that its status is all there is.
HEADS = frozenset({"HeadBucket", "HeadObject"})


def problems(model: OperationModel, parsed: Mapping[str, Any], status: int) -> List[str]:
    """What is wrong with a refusal."""
    op, error = model.name, parsed.get("Error", {})
    code = str(error.get("Code", ""))
    if op in HEADS or status == NOT_MODIFIED:
        return [] if code == str(status) else [f"{op}: refused with {code!r} and status {status}"]
    service = model.service_model.service_name
    found = [] if error.get("Message") or service in WORDLESS else [f"{op}: {code} says nothing"]
    modelled = _modelled(model)
    # Who speaks JSON where there once were forms, says both names.
    known = modelled.get(str(error.get("QueryErrorCode", code)), modelled.get(code))
    if known is None and code not in COMMON[service]:
        found.append(f"{op}: {code or 'no code'} is none of its codes")
    if known and known != status:
        found.append(f"{op}: {code} has status {status}, not {known}")
    if not 400 <= status < 600:
        found.append(f"{op}: {code} has status {status}")
    return found


def _modelled(model: OperationModel) -> Dict[str, int]:
    """The codes of the operation's model, and the status of each, or 0."""
    found: Dict[str, int] = {}
    for shape in model.error_shapes:
        about = shape.metadata.get("error", {})
        found[about.get("code", shape.name)] = about.get("httpStatusCode", 0)
        found[shape.name] = about.get("httpStatusCode", 0)
    return found
