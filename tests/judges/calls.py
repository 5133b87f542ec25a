"""How the judges call services with boto3, and what they ask of refusals."""

from __future__ import annotations

import uuid
from typing import Any, Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from judging import Judge


def client(manifest: Mapping[str, Any], service: str) -> Any:
    session = boto3.session.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name=manifest["region"]
    )
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
    return session.client(service, endpoint_url=manifest["url"], config=config)


def fresh(what: str) -> str:
    """A name that nothing has yet."""
    return f"judge-{what}-{uuid.uuid4().hex[:8]}"


def code_of(method: Any, **request: object) -> str:
    """The code of a refusal; nothing where there is none."""
    try:
        method(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def refused(judge: Judge, name: str, code: str, method: Any, **request: object) -> None:
    """The call is refused with this code."""
    judge.equal(f"{name} is refused", code_of(method, **request), code)
