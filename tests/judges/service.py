"""boto3's clients for the service under judgement, each answer held against the service model."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List

import boto3
from botocore.config import Config
from botocore.model import OperationModel

import shapes
from judging import Judge

# Pages read of one list before it counts as endless.
PAGES_MAX = 200


class Service:
    def __init__(self, judge: Judge, url: str, region: str) -> None:
        self.judge = judge
        # One attempt: what fails once has failed. Keys that stand for nobody.
        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=60,
            s3={"addressing_style": "path"},
        )
        session = boto3.session.Session(
            aws_access_key_id="local", aws_secret_access_key="local", region_name=region
        )
        self.sagemaker = session.client("sagemaker", endpoint_url=url, config=config)
        self.runtime = session.client("sagemaker-runtime", endpoint_url=url, config=config)
        self.s3 = session.client("s3", endpoint_url=url, config=config)
        self.problems: List[str] = []
        self.sagemaker.meta.events.register("before-parse.sagemaker.*", self._look)

    def _look(
        self, operation_model: OperationModel, response_dict: Dict[str, Any], **_: object
    ) -> None:
        """Sees each answer of SageMaker before boto3 drops what it does not know."""
        if response_dict["status_code"] >= 300:
            return
        op, body = operation_model.name, response_dict["body"]
        kind = response_dict["headers"].get("content-type", "")
        if body and kind != "application/x-amz-json-1.1":
            self.problems.append(f"{op}: the content type is {kind!r}")
        if not response_dict["headers"].get("x-amzn-requestid"):
            self.problems.append(f"{op}: x-amzn-RequestId is missing")
        try:
            value = json.loads(body) if body.strip() else {}
        except ValueError as error:
            self.problems.append(f"{op}: the body is not JSON: {error}")
            return
        self.problems += shapes.problems(operation_model.output_shape, value, op)

    def call(self, name: str, op: str, **request: object) -> Dict[str, Any]:
        """One call of SageMaker as a check of its own: it succeeds, and in the model's shape."""
        self.problems = []
        answer = getattr(self.sagemaker, op)(**request)
        answer.pop("ResponseMetadata")
        self.judge.sound(f"{op} {name}".rstrip(), self.problems)
        return answer

    def list(self, op: str, key: str, name: str = "", **request: object) -> List[Dict[str, Any]]:
        """All items of a list. Read in one go and an item at a time, it must be the same list."""
        self.problems = []
        items = list(self._pages(op, key, request))
        self.judge.sound(f"{op} {name}".rstrip() + f": {len(items)}", self.problems)
        if len(items) > 1:
            by_one = list(self._pages(op, key, {**request, "MaxResults": 1}))
            self.judge.equal(f"{op} {name}".rstrip() + ", one a page", by_one, items)
        return items

    def _pages(self, op: str, key: str, request: Dict[str, object]) -> Iterator[Dict[str, Any]]:
        token: Dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = getattr(self.sagemaker, op)(**request, **token)
            yield from page[key]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}
        raise RuntimeError(f"{op} does not end after {PAGES_MAX} pages")

    def tags(self, arn: str) -> Dict[str, str]:
        self.problems = []
        pages = self.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        tags = [tag for page in pages for tag in page["Tags"]]
        self.judge.sound(f"list_tags {arn.split(':', 5)[-1]}", self.problems)
        return {tag["Key"]: tag["Value"] for tag in tags}

    def read(self, uri: str) -> bytes:
        """An object's bytes."""
        bucket, key = split_uri(uri)
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` as bucket and key."""
    if not uri.startswith("s3://"):
        raise ValueError(f"not an address in S3: {uri!r}")
    bucket, _, key = uri[len("s3://") :].partition("/")
    return bucket, key
