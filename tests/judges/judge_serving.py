"""Judges how a running local SageMaker serves and measures, as boto3 sees it: answers that come in
parts or later, CloudWatch's metrics, and alarms that follow them.

    python judge_serving.py --manifest FILE

FILE is a JSON object with `url`, `region`, `bucket` and `endpoints`. What is made is taken away again.
"""

from __future__ import annotations

import datetime
import json
import time
from typing import Any, Callable, Dict, Mapping

import mortgage
from calls import client, code_of
from judging import Judge, read_manifest

# Seconds that something may take to happen.
DEADLINE = 60
NAMESPACE = "Judged"
DIMENSIONS = [{"Name": "kind", "Value": "judge"}]


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_parts, judge_later, judge_measures, judge_metrics, judge_alarm):
        with judge.section(section.__name__):
            section(judge, manifest)
    return judge.finish()


def until(look: Callable[[], Any]) -> Any:
    """Looks again until there is something; nothing after the deadline."""
    end = time.monotonic() + DEADLINE
    while True:
        found = look()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.2)


def application() -> bytes:
    return json.dumps(mortgage.APPLICATIONS[0]).encode()


def judge_parts(judge: Judge, manifest: Mapping[str, Any]) -> None:
    runtime = client(manifest, "sagemaker-runtime")
    asked = {"EndpointName": manifest["endpoints"][0], "ContentType": "application/json"}
    whole = runtime.invoke_endpoint(Body=application(), **asked)["Body"].read()
    answer = runtime.invoke_endpoint_with_response_stream(Body=application(), **asked)
    judge.equal("the type of what is streamed", answer["ContentType"], "application/json")
    parts = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    judge.equal("what is streamed", parts, whole)
    code = code_of(runtime.invoke_endpoint_with_response_stream, Body=b"{", **asked)
    judge.equal("a stream that fails at once", code, "ModelError")


def judge_later(judge: Judge, manifest: Mapping[str, Any]) -> None:
    control, runtime = client(manifest, "sagemaker"), client(manifest, "sagemaker-runtime")
    s3, bucket = client(manifest, "s3"), manifest["bucket"]
    served = control.describe_endpoint(EndpointName=manifest["endpoints"][0])["EndpointConfigName"]
    variant = control.describe_endpoint_config(EndpointConfigName=served)["ProductionVariants"][0]
    places = {"S3OutputPath": f"s3://{bucket}/judged/out", "S3FailurePath": f"s3://{bucket}/judged/failed"}
    name = "judge-later"
    control.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant],
        AsyncInferenceConfig={"OutputConfig": places},
    )
    control.create_endpoint(EndpointName=name, EndpointConfigName=name)
    control.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": DEADLINE}
    )
    for key, body in (("good", application()), ("bad", b"{")):
        s3.put_object(Bucket=bucket, Key=f"judged/in/{key}", Body=body)

    def found(uri: str) -> bytes:
        def look() -> Any:
            try:
                return s3.get_object(Bucket=bucket, Key=uri.split("/", 3)[3])["Body"].read()
            except s3.exceptions.NoSuchKey:
                return None

        return until(look) or b""

    def queued(key: str, **more: object) -> Dict[str, Any]:
        return runtime.invoke_endpoint_async(
            EndpointName=name,
            InputLocation=f"s3://{bucket}/judged/in/{key}",
            ContentType="application/json",
            **more,
        )

    good = queued("good", InferenceId="mine")
    judge.equal("the name of a queued request", good["InferenceId"], "mine")
    judge.equal("its status", good["ResponseMetadata"]["HTTPStatusCode"], 202)
    whole = runtime.invoke_endpoint(
        EndpointName=manifest["endpoints"][0], ContentType="application/json", Body=application()
    )
    judge.equal("its answer", found(good["OutputLocation"]), whole["Body"].read())
    bad = queued("bad")
    judge.check("why another failed", b"500" in found(bad["FailureLocation"]), bad)
    code = code_of(
        runtime.invoke_endpoint_async,
        EndpointName=manifest["endpoints"][0],
        InputLocation=f"s3://{bucket}/judged/in/good",
    )
    judge.equal("an endpoint without a queue", code, "ValidationError")
    control.delete_endpoint(EndpointName=name)
    control.delete_endpoint_config(EndpointConfigName=name)


def span() -> Dict[str, datetime.datetime]:
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    return {"StartTime": now - hour, "EndTime": now + datetime.timedelta(minutes=1)}


def judge_measures(judge: Judge, manifest: Mapping[str, Any]) -> None:
    cloudwatch = client(manifest, "cloudwatch")
    endpoint = manifest["endpoints"][0]

    def listed() -> Any:
        dimension = [{"Name": "EndpointName", "Value": endpoint}]
        answer = cloudwatch.list_metrics(Namespace="AWS/SageMaker", Dimensions=dimension)
        return {one["MetricName"]: one["Dimensions"] for one in answer["Metrics"]}

    metrics = until(listed)
    for name in ("Invocations", "ModelLatency", "OverheadLatency", "Invocation5XXErrors"):
        judge.check(f"{endpoint} measures {name}", name in metrics, sorted(metrics))
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=metrics["ModelLatency"],
        Period=3600,
        Statistics=["Average", "Maximum"],
        ExtendedStatistics=["p90"],
        **span(),
    )
    points = answer["Datapoints"]
    judge.equal("the unit of a latency", {one["Unit"] for one in points}, {"Microseconds"})
    orderly = all(0 < one["Average"] <= one["Maximum"] for one in points)
    judge.check("a latency's average and maximum", points and orderly, points)
    judge.check("a latency's percentile", points[0]["ExtendedStatistics"]["p90"] > 0, points)


def judge_metrics(judge: Judge, manifest: Mapping[str, Any]) -> None:
    cloudwatch = client(manifest, "cloudwatch")
    values = [1.0, 2.0, 3.0, 4.0]
    datum = {"MetricName": "load", "Dimensions": DIMENSIONS, "Values": values, "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    stat = {"Metric": {"Namespace": NAMESPACE, "MetricName": "load", "Dimensions": DIMENSIONS}}
    queries = [
        {"Id": name.lower(), "MetricStat": {**stat, "Period": 3600, "Stat": name}}
        for name in ("Sum", "SampleCount", "Minimum", "p50")
    ]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **span())
    found = {one["Id"]: sum(one["Values"]) for one in answer["MetricDataResults"]}
    judge.equal("the sum of what was put", found["sum"], 10.0)
    judge.equal("its count", found["samplecount"], 4.0)
    judge.equal("its minimum", found["minimum"], 1.0)
    judge.check("its median to one per cent", abs(found["p50"] - 2.0) < 0.03, found)
    for what, namespace, wrong in (
        ("a namespace of AWS's own", "AWS/SageMaker", {"Value": 1.0}),
        ("a value too great", NAMESPACE, {"Value": 1e200}),
    ):
        datum = [{"MetricName": "load", **wrong}]
        code = code_of(cloudwatch.put_metric_data, Namespace=namespace, MetricData=datum)
        judge.equal(what, code, "InvalidParameterValue")


def judge_alarm(judge: Judge, manifest: Mapping[str, Any]) -> None:
    cloudwatch = client(manifest, "cloudwatch")
    metric = {"Namespace": NAMESPACE, "MetricName": "errors", "Dimensions": DIMENSIONS}
    name = "judge-errors"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        **metric,
    )

    def state(wanted: str) -> Any:
        alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        return alarm if alarm["StateValue"] == wanted else None

    judge.check("a new alarm knows nothing", state("INSUFFICIENT_DATA"))
    datum = {"MetricName": "errors", "Dimensions": DIMENSIONS, "Value": 3.0}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    alarm = until(lambda: state("ALARM"))
    judge.check("an alarm follows its metric", alarm, "it did not")
    if alarm:
        judge.check("why", "Threshold Crossed" in alarm["StateReason"], alarm["StateReason"])
    of_metric = cloudwatch.describe_alarms_for_metric(**metric)["MetricAlarms"]
    judge.equal("the alarms of a metric", [one["AlarmName"] for one in of_metric], [name])
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    summaries = [one["HistorySummary"] for one in history["AlarmHistoryItems"]]
    judge.equal("its history", summaries, ["Alarm updated from INSUFFICIENT_DATA to ALARM"])
    for switch, on in ((cloudwatch.disable_alarm_actions, False), (cloudwatch.enable_alarm_actions, True)):
        switch(AlarmNames=[name])
        alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        judge.equal(f"actions are {'on' if on else 'off'}", alarm["ActionsEnabled"], on)
    cloudwatch.delete_alarms(AlarmNames=[name])


if __name__ == "__main__":
    raise SystemExit(main())
