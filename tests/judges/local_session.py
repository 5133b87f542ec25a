"""A boto3 session of which every client speaks to one address, whatever its caller names."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

# One attempt: what fails once has failed.
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)


class LocalSession(boto3.session.Session):
    """The SDKs make clients of their own, some with an address of AWS's (STS)."""

    def __init__(self, url: str, region: str) -> None:
        super().__init__(
            aws_access_key_id="local", aws_secret_access_key="local", region_name=region
        )
        self.url = url

    def client(self, *names: Any, **given: Any) -> Any:
        return super().client(*names, **self._here(given))

    def resource(self, *names: Any, **given: Any) -> Any:
        return super().resource(*names, **self._here(given))

    def _here(self, given: Any) -> Any:
        config = CONFIG.merge(given["config"]) if given.get("config") else CONFIG
        return {**given, "endpoint_url": self.url, "config": config}
