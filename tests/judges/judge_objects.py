"""Judges S3 of a running local SageMaker, as boto3 sees it.

    python judge_objects.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import json
import zlib
from typing import Any, Dict, List, Mapping

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from calls import client, code_of, fresh, refused
from judging import Judge, read_manifest

MEBIBYTE = 1024 * 1024


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    sections = (
        judge_versions,
        judge_suspended,
        judge_reads,
        judge_conditions,
        judge_checksums,
        judge_lists,
        judge_copies,
        judge_parts,
        judge_tags,
        judge_notifications,
    )
    for section in sections:
        with judge.section(section.__name__):
            s3 = client(manifest, "s3")
            bucket = fresh("bucket")
            s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": manifest["region"]}
            )
            try:
                section(judge, manifest, s3, bucket)
            finally:
                emptied(s3, bucket)
                s3.delete_bucket(Bucket=bucket)
    return judge.finish()


def emptied(s3: Any, bucket: str) -> None:
    """Takes every version away, page by page."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, MaxKeys=3):
        every = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in every]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})


def body(s3: Any, bucket: str, key: str, **more: Any) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def judge_versions(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    judge.equal("no versioning at first", s3.get_bucket_versioning(Bucket=bucket).get("Status"), None)
    s3.put_object(Bucket=bucket, Key="k", Body=b"zero")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    judge.equal("versioning", s3.get_bucket_versioning(Bucket=bucket)["Status"], "Enabled")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"two")["VersionId"]
    judge.check("each write is a version", first != second and len(first) == 32, (first, second))
    judge.equal("the newest", body(s3, bucket, "k"), b"two")
    judge.equal("an earlier one", body(s3, bucket, "k", VersionId=first), b"one")
    judge.equal("from before", body(s3, bucket, "k", VersionId="null"), b"zero")
    head = s3.head_object(Bucket=bucket, Key="k", VersionId=first)
    judge.equal("a head tells the version", head["VersionId"], first)
    marker = s3.delete_object(Bucket=bucket, Key="k")
    judge.equal("a deletion is a marker", marker["DeleteMarker"], True)
    refused(judge, "what is hidden", "NoSuchKey", s3.get_object, Bucket=bucket, Key="k")
    hidden = marker["VersionId"]
    refused(
        judge, "a marker", "MethodNotAllowed", s3.get_object, Bucket=bucket, Key="k", VersionId=hidden
    )
    refused(judge, "no version", "NoSuchVersion", s3.get_object, Bucket=bucket, Key="k", VersionId="x")
    listed = s3.list_object_versions(Bucket=bucket)
    found = [(one["VersionId"], one["IsLatest"]) for one in listed["Versions"]]
    judge.equal("versions", found, [(second, False), (first, False), ("null", False)])
    found = [(one["VersionId"], one["IsLatest"]) for one in listed["DeleteMarkers"]]
    judge.equal("markers", found, [(hidden, True)])
    judge.equal("no keys", s3.list_objects_v2(Bucket=bucket)["KeyCount"], 0)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, MaxKeys=1)
    judge.equal("pages of versions", len(list(pages)), 4)
    back = s3.delete_object(Bucket=bucket, Key="k", VersionId=hidden)
    judge.equal("a marker is taken away", (back["DeleteMarker"], back["VersionId"]), (True, hidden))
    judge.equal("what was hidden", body(s3, bucket, "k"), b"two")
    source = {"Bucket": bucket, "Key": "k", "VersionId": first}
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    judge.equal("a copy of a version", (body(s3, bucket, "k"), copied["CopySourceVersionId"]), (b"one", first))
    objects = [{"Key": "k", "VersionId": second}, {"Key": "k"}]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]
    judge.equal("a version deleted in a batch", deleted[0]["VersionId"], second)
    judge.check("a marker made in a batch", deleted[1]["DeleteMarkerVersionId"], deleted)
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"")
    cut = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    judge.equal("common prefixes of versions", cut["CommonPrefixes"], [{"Prefix": "a/"}])
    refused(judge, "a bucket with versions", "BucketNotEmpty", s3.delete_bucket, Bucket=bucket)


def judge_suspended(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    judge.equal("suspended", s3.get_bucket_versioning(Bucket=bucket)["Status"], "Suspended")
    for text in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="k", Body=text)
    found = [one["VersionId"] for one in s3.list_object_versions(Bucket=bucket)["Versions"]]
    judge.equal("one version without an id", found, ["null", kept])
    marker = s3.delete_object(Bucket=bucket, Key="k")
    judge.equal("a marker without an id", (marker["DeleteMarker"], marker["VersionId"]), (True, "null"))
    judge.equal("what has an id stays", body(s3, bucket, "k", VersionId=kept), b"kept")


def judge_reads(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for asked, expected in (("bytes=2-4", b"234"), ("bytes=-3", b"789"), ("bytes=7-", b"789"), ("bytes=8-99", b"89")):
        judge.equal(asked, body(s3, bucket, "k", Range=asked), expected)
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    judge.equal("a part", part["ResponseMetadata"]["HTTPStatusCode"], 206)
    judge.equal("where it is", part["ContentRange"], "bytes 2-4/10")
    refused(judge, "beyond", "InvalidRange", s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    judge.check("a URL for others", bucket in url, url)


def judge_conditions(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    place: Dict[str, Any] = {"Bucket": bucket, "Key": "k"}
    past, future = (
        datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days) for days in (-1, 1)
    )
    reads = (
        ({"IfMatch": tag}, ""),
        ({"IfMatch": '"x"'}, "PreconditionFailed"),
        ({"IfNoneMatch": tag}, "304"),
        ({"IfNoneMatch": '"x"'}, ""),
        ({"IfModifiedSince": past}, ""),
        ({"IfModifiedSince": future}, "304"),
        ({"IfUnmodifiedSince": past}, "PreconditionFailed"),
        ({"IfUnmodifiedSince": future}, ""),
        ({"IfMatch": tag, "IfUnmodifiedSince": past}, ""),
        ({"IfNoneMatch": '"x"', "IfModifiedSince": future}, ""),
    )
    for condition, code in reads:
        judge.equal(f"a read with {', '.join(condition)}", code_of(s3.get_object, **place, **condition), code)
    refused(judge, "a second creation", "PreconditionFailed", s3.put_object, **place, IfNoneMatch="*")
    refused(judge, "a late write", "PreconditionFailed", s3.put_object, **place, IfMatch='"x"')
    refused(
        judge, "a write over nothing", "NoSuchKey", s3.put_object, Bucket=bucket, Key="none", IfMatch=tag
    )
    tag = s3.put_object(**place, Body=b"y", IfMatch=tag)["ETag"]
    refused(judge, "a late deletion", "PreconditionFailed", s3.delete_object, **place, IfMatch='"x"')
    objects = [{"Key": "k", "ETag": '"x"'}]
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Errors"]
    judge.equal("a late deletion in a batch", errors[0]["Code"], "PreconditionFailed")
    s3.delete_object(**place, IfMatch=tag)
    refused(judge, "what is gone", "404", s3.head_object, **place)


def judge_checksums(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    data = b"hello, checksums"
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    known = {
        "SHA1": base64.b64encode(hashlib.sha1(data).digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        "CRC32": crc,
    }
    for name, value in known.items():
        put = s3.put_object(Bucket=bucket, Key=name, Body=data, ChecksumAlgorithm=name)
        judge.equal(f"{name} of a write", put[f"Checksum{name}"], value)
        head = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        judge.equal(f"{name} of a head", head[f"Checksum{name}"], value)
        judge.equal(f"{name} of the whole", head["ChecksumType"], "FULL_OBJECT")
        got = s3.get_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        judge.equal(f"{name} of a read", (got[f"Checksum{name}"], got["Body"].read()), (value, data))
        wrong = base64.b64encode(bytes(len(base64.b64decode(value)))).decode()
        refused(
            judge, f"a wrong {name}", "BadDigest", s3.put_object,
            Bucket=bucket, Key="wrong", Body=data, **{f"Checksum{name}": wrong},
        )
    plain = s3.put_object(Bucket=bucket, Key="plain", Body=data)
    judge.equal("boto3's own checksum", plain.get("ChecksumCRC32"), crc)
    refused(judge, "a wrong MD5", "BadDigest", s3.put_object, Bucket=bucket, Key="w", Body=data,
            ContentMD5=base64.b64encode(bytes(16)).decode())
    bare = boto3.session.Session("local", "local", region_name=manifest["region"]).client(
        "s3", endpoint_url=manifest["url"], config=Config(request_checksum_calculation="when_required")
    )
    bare.put_object(Bucket=bucket, Key="bare", Body=data)
    head = s3.head_object(Bucket=bucket, Key="bare", ChecksumMode="ENABLED")
    judge.check("S3's own checksum", head.get("ChecksumCRC64NVME"), head)
    head = s3.head_object(Bucket=bucket, Key="bare")
    judge.equal("nothing where nothing is asked", head.get("ChecksumCRC64NVME"), None)


def judge_lists(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    keys = ["a/1", "a/2", "b é+&", "c/3", "d"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for name in ("list_objects", "list_objects_v2"):
        pages = list(s3.get_paginator(name).paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
        found = [one["Key"] for page in pages for one in page.get("Contents", [])]
        judge.equal(f"{name}: every key", found, keys)
        pages = s3.get_paginator(name).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
        cut: List[str] = []
        for page in pages:
            cut += [one["Key"] for one in page.get("Contents", [])]
            cut += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        judge.equal(f"{name}: cut keys", cut, ["a/", "b é+&", "c/", "d"])
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="b é+&")
    judge.equal("after a key", [one["Key"] for one in after["Contents"]], ["c/3", "d"])
    under = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")
    judge.equal("under a prefix", [one["Key"] for one in under["Contents"]], ["a/1", "a/2"])
    refused(judge, "a wrong token", "InvalidArgument", s3.list_objects_v2, Bucket=bucket, ContinuationToken="zz")
    place = s3.get_bucket_location(Bucket=bucket)["LocationConstraint"]
    judge.equal("where the bucket is", place, manifest["region"])
    judge.equal("the bucket's head", s3.head_bucket(Bucket=bucket)["BucketRegion"], manifest["region"])
    refused(judge, "no bucket", "404", s3.head_bucket, Bucket=fresh("none"))


def judge_copies(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "1"}, ContentType="text/plain")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    judge.equal("a copy keeps metadata", s3.head_object(Bucket=bucket, Key="same")["Metadata"], {"a": "1"})
    s3.copy_object(Bucket=bucket, Key="other", CopySource=source, Metadata={"b": "2"}, MetadataDirective="REPLACE")
    judge.equal("or takes other", s3.head_object(Bucket=bucket, Key="other")["Metadata"], {"b": "2"})
    refused(judge, "a copy onto itself", "InvalidRequest", s3.copy_object, Bucket=bucket, Key="k", CopySource=source)
    for condition in ({"CopySourceIfMatch": '"x"'}, {"CopySourceIfNoneMatch": put["ETag"]}):
        refused(
            judge, f"a copy with {next(iter(condition))}", "PreconditionFailed", s3.copy_object,
            Bucket=bucket, Key="no", CopySource=source, **condition,
        )


def judge_parts(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    data = bytes(range(256)) * (6 * MEBIBYTE // 256)
    small = TransferConfig(multipart_threshold=5 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=small)
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    judge.check("the tag of parts", head["ETag"].endswith('-2"'), head["ETag"])
    judge.equal("the checksum of parts", head["ChecksumType"], "COMPOSITE")
    judge.check("how many parts", head["ChecksumCRC32"].endswith("-2"), head)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big", back, Config=small)
    judge.check("the same bytes", back.getvalue() == data)
    place = {"Bucket": bucket, "Key": "parts"}
    whole = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    upload = s3.create_multipart_upload(**place, **whole)["UploadId"]
    one = s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=data[: 5 * MEBIBYTE], ChecksumAlgorithm="CRC32")
    copied = s3.upload_part_copy(
        **place, UploadId=upload, PartNumber=2, CopySource={"Bucket": bucket, "Key": "big"},
        CopySourceRange=f"bytes={5 * MEBIBYTE}-{len(data) - 1}",
    )["CopyPartResult"]
    first = s3.list_parts(**place, UploadId=upload, MaxParts=1)
    judge.equal("a page of parts", (first["IsTruncated"], first["Parts"][0]["PartNumber"]), (True, 1))
    rest = s3.list_parts(**place, UploadId=upload, PartNumberMarker=first["NextPartNumberMarker"])
    judge.equal("the next", [part["Size"] for part in rest["Parts"]], [len(data) - 5 * MEBIBYTE])
    other = s3.create_multipart_upload(Bucket=bucket, Key="a/b")["UploadId"]
    open_now = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    judge.equal("open uploads", [one["Key"] for one in open_now], ["a/b", "parts"])
    cut = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    judge.equal("cut uploads", [one["Prefix"] for one in cut["CommonPrefixes"]], ["a/"])
    s3.abort_multipart_upload(Bucket=bucket, Key="a/b", UploadId=other)
    refused(judge, "an aborted one", "NoSuchUpload", s3.list_parts, Bucket=bucket, Key="a/b", UploadId=other)
    parts = [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": copied["ETag"]}]
    for wrong, code in (
        ([parts[1], parts[0]], "InvalidPartOrder"),
        ([{"PartNumber": 9, "ETag": one["ETag"]}], "InvalidPart"),
        ([{"PartNumber": 1, "ETag": '"x"'}], "InvalidPart"),
    ):
        refused(
            judge, f"parts with {code}", code, s3.complete_multipart_upload,
            **place, UploadId=upload, MultipartUpload={"Parts": wrong},
        )
    done = s3.complete_multipart_upload(
        **place, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*", ChecksumType="FULL_OBJECT"
    )
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    judge.equal("the checksum of the whole", done["ChecksumCRC32"], crc)
    judge.check("the bytes of both parts", body(s3, bucket, "parts") == data)
    upload = s3.create_multipart_upload(**place)["UploadId"]
    tags = [
        {"PartNumber": number, "ETag": s3.upload_part(**place, UploadId=upload, PartNumber=number, Body=b"x")["ETag"]}
        for number in (1, 2)
    ]
    small_parts = {"Parts": tags}
    refused(judge, "parts that are too small", "EntityTooSmall", s3.complete_multipart_upload, **place,
            UploadId=upload, MultipartUpload=small_parts)
    refused(judge, "a second creation of parts", "PreconditionFailed", s3.complete_multipart_upload, **place,
            UploadId=upload, MultipartUpload={"Parts": tags[:1]}, IfNoneMatch="*")
    s3.abort_multipart_upload(**place, UploadId=upload)


def judge_tags(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    place = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**place, Body=b"x", Tagging="a=1&b=x%20y")
    found = s3.get_object_tagging(**place)["TagSet"]
    judge.equal("tags", found, [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}])
    judge.equal("how many tags", s3.get_object(**place)["TagCount"], 2)
    s3.put_object_tagging(**place, Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    s3.copy_object(Bucket=bucket, Key="l", CopySource=place)
    copied = s3.get_object_tagging(Bucket=bucket, Key="l")["TagSet"]
    judge.equal("a copy keeps tags", copied, [{"Key": "c", "Value": "3"}])
    s3.delete_object_tagging(**place)
    judge.equal("no tags", s3.get_object_tagging(**place)["TagSet"], [])
    many = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    refused(judge, "eleven tags", "InvalidTag", s3.put_object_tagging, **place, Tagging=many)


def judge_notifications(judge: Judge, manifest: Mapping[str, Any], s3: Any, bucket: str) -> None:
    sqs, sns, events = (client(manifest, name) for name in ("sqs", "sns", "events"))
    urls = {name: sqs.create_queue(QueueName=fresh(name))["QueueUrl"] for name in ("own", "topic", "rule")}
    arns = {
        name: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for name, url in urls.items()
    }
    topic = sns.create_topic(Name=fresh("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["topic"], Attributes={"RawMessageDelivery": "true"})
    rule = fresh("rule")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arns["rule"]}])
    filters = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".csv"}]
    configuration = {
        "QueueConfigurations": [
            {"Id": "files", "QueueArn": arns["own"], "Events": ["s3:ObjectCreated:*"],
             "Filter": {"Key": {"FilterRules": filters}}},
        ],
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}],
        "EventBridgeConfiguration": {},
    }
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)
    judge.equal("a rule is kept", kept["QueueConfigurations"][0]["Filter"]["Key"]["FilterRules"], filters)
    judge.check("a rule has an id", kept["TopicConfigurations"][0]["Id"], kept)
    judge.equal("EventBridge is kept", kept["EventBridgeConfiguration"], {})
    for name in ("own", "topic"):
        judge.equal(f"a test of {name}", told(sqs, urls[name])[0].get("Event"), "s3:TestEvent")
    s3.put_object(Bucket=bucket, Key="in/a b.csv", Body=b"hello")
    s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"hello")
    records = [record for message in told(sqs, urls["own"]) for record in message["Records"]]
    judge.equal("what is told", [one["s3"]["object"]["key"] for one in records], ["in/a+b.csv"])
    judge.equal("of what", (records[0]["eventName"], records[0]["eventVersion"]), ("ObjectCreated:Put", "2.1"))
    s3.delete_object(Bucket=bucket, Key="in/a.txt")
    removed = told(sqs, urls["topic"])[0]["Records"][0]
    judge.equal("a deletion is told", removed["eventName"], "ObjectRemoved:Delete")
    heard = [(one["detail-type"], one["detail"]["object"]["key"]) for one in told(sqs, urls["rule"])]
    expected = [("Object Created", "in/a b.csv"), ("Object Created", "in/a.txt"), ("Object Deleted", "in/a.txt")]
    judge.equal("EventBridge hears all", heard, expected)
    gone = {"QueueConfigurations": [{"QueueArn": arns["own"] + "-none", "Events": ["s3:ObjectCreated:*"]}]}
    refused(
        judge, "a queue that is not there", "InvalidArgument", s3.put_bucket_notification_configuration,
        Bucket=bucket, NotificationConfiguration=gone,
    )
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)
    judge.check("nobody is told", "QueueConfigurations" not in kept)
    events.remove_targets(Rule=rule, Ids=["1"])
    events.delete_rule(Name=rule)
    sns.delete_topic(TopicArn=topic)
    for url in urls.values():
        sqs.delete_queue(QueueUrl=url)


def told(sqs: Any, url: str) -> List[Dict[str, Any]]:
    """What is in a queue, taken out of it."""
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return [json.loads(one["Body"]) for one in found]


if __name__ == "__main__":
    raise SystemExit(main())
