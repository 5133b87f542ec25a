"""Looks at everything that a fleet of models has running, as a team would write it with boto3: the
pipeline, the endpoint, its config, its monitoring schedule, and the tags of each. Prints how many
calls that took and how many seconds, as JSON."""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

ENVIRONMENT = "staging"


def client(options):
    return boto3.client(
        "sagemaker",
        endpoint_url=options.endpoint_url,
        region_name=options.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(max_pool_connections=options.threads, retries={"mode": "standard"}),
    )


def tags(sagemaker, arn):
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return [tag for page in pages for tag in page["Tags"]]


def look(sagemaker, model):
    endpoint_name = f"{model}-{ENVIRONMENT}"
    pipeline = sagemaker.describe_pipeline(PipelineName=model)
    endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    schedule = sagemaker.describe_monitoring_schedule(
        MonitoringScheduleName=f"{endpoint_name}-data-quality"
    )
    assert endpoint["EndpointStatus"] == "InService", endpoint
    assert schedule["MonitoringScheduleStatus"] == "Scheduled", schedule
    for described, arn in [
        (pipeline, "PipelineArn"),
        (endpoint, "EndpointArn"),
        (config, "EndpointConfigArn"),
        (schedule, "MonitoringScheduleArn"),
    ]:
        owned = {tag["Key"]: tag["Value"] for tag in tags(sagemaker, described[arn])}
        assert owned["trueup:owner"].split("/")[1] == model, owned


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()

    sagemaker = client(options)
    calls = []
    sagemaker.meta.events.register("before-send.sagemaker", lambda **_: calls.append(1))
    start, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(options.threads) as pool:
        for _ in pool.map(lambda model: look(sagemaker, model), options.models):
            pass
    seconds = time.perf_counter() - start
    processor = time.process_time() - used
    print(json.dumps({"calls": len(calls), "seconds": seconds, "processor": processor}))


if __name__ == "__main__":
    main()
