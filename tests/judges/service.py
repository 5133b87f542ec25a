"""boto3's clients for the service under judgement, each answer held against the service model."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from calls import client
from judging import Judge

# Pages read of one list before it counts as endless.
PAGES_MAX = 200


class Service:
    def __init__(self, judge: Judge, url: str, region: str) -> None:
        self.judge = judge
        self.problems: List[str] = []
        manifest = {"url": url, "region": region}
        self.sagemaker = client(manifest, "sagemaker", self._hear)
        self.runtime = client(manifest, "sagemaker-runtime")
        self.s3 = client(manifest, "s3")

    def _hear(self, problems: List[str]) -> None:
        self.problems += problems

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
