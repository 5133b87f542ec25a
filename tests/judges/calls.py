"""How the judges call services with boto3, and what they ask of refusals."""

from __future__ import annotations

import uuid
from typing import Any, Mapping, Optional

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import witness
from judging import Judge


def client(
    manifest: Mapping[str, Any],
    service: str,
    told: witness.Told = lambda _: None,
    session: Optional[boto3.session.Session] = None,
    **configured: object,
) -> Any:
    """A client whose every call is seen; `told` hears what is wrong with an answer.

    One attempt: what fails once has failed. Keys that stand for nobody.
    """
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=60,
        s3={"addressing_style": "path"},
        **configured,
    )
    session = session or session_of(manifest["region"])
    found = session.client(service, endpoint_url=manifest["url"], config=config)
    return witness.attach(found, told)


def session_of(region: str) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name=region
    )


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
