"""Judges the life of a bucket of a running local SageMaker, as boto3 sees it.

    python judge_buckets.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

from typing import Any, Mapping

from calls import client, code_of, fresh
from judging import Judge, read_manifest

# What S3 takes for a part that is not the last.
PART = 5 * 1024 * 1024


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    s3, bucket = client(manifest, "s3"), fresh("bucket")
    for section in (judge_bucket, judge_lists, judge_parts, judge_end):
        with judge.section(section.__name__):
            section(judge, s3, bucket, manifest)
    return judge.finish()


def judge_bucket(judge: Judge, s3: Any, bucket: str, manifest: Mapping[str, Any]) -> None:
    region = manifest["region"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    judge.equal("where a bucket is", s3.get_bucket_location(Bucket=bucket)["LocationConstraint"], region)
    judge.equal("a bucket's region", s3.head_bucket(Bucket=bucket).get("BucketRegion"), region)
    judge.equal("a new bucket has no versions", s3.get_bucket_versioning(Bucket=bucket).get("Status"), None)
    again = code_of(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    judge.equal("a bucket is made once", again, "BucketAlreadyOwnedByYou")


def judge_lists(judge: Judge, s3: Any, bucket: str, _: Mapping[str, Any]) -> None:
    for key in ("a/1", "a/2", "b é+%"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    found = s3.list_objects(Bucket=bucket, Delimiter="/")
    judge.equal("objects at the top", [one["Key"] for one in found["Contents"]], ["b é+%"])
    judge.equal("folders at the top", [one["Prefix"] for one in found["CommonPrefixes"]], ["a/"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    keys = [one["Key"] for page in pages for one in page["Contents"]]
    judge.equal("all objects, one a page", keys, ["a/1", "a/2", "b é+%"])
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "b é+%"})
    head = s3.head_object(Bucket=bucket, Key="c")
    judge.equal("a copy's tag", copied["CopyObjectResult"]["ETag"], head["ETag"])
    missing = code_of(s3.copy_object, Bucket=bucket, Key="d", CopySource={"Bucket": bucket, "Key": "none"})
    judge.equal("a copy of nothing", missing, "NoSuchKey")
    judge.equal("an object that there is not", code_of(s3.get_object, Bucket=bucket, Key="none"), "NoSuchKey")
    range_ = code_of(s3.get_object, Bucket=bucket, Key="c", Range="bytes=1000-")
    judge.equal("a range beyond the end", range_, "InvalidRange")


def judge_parts(judge: Judge, s3: Any, bucket: str, _: Mapping[str, Any]) -> None:
    body = bytes(range(256)) * (PART // 256)
    named = {"Bucket": bucket, "Key": "parts"}
    s3.put_object(Bucket=bucket, Key="tail", Body=b"tail")
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    first = s3.upload_part(**upload, PartNumber=1, Body=body)["ETag"]
    source = {"Bucket": bucket, "Key": "tail"}
    second = s3.upload_part_copy(**upload, PartNumber=2, CopySource=source)["CopyPartResult"]["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
    wrong = {"Parts": [{"PartNumber": 3, "ETag": first}]}
    code = code_of(s3.complete_multipart_upload, **upload, MultipartUpload=wrong)
    judge.equal("a part that there is not", code, "InvalidPart")
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    judge.check("the tag of parts", done["ETag"].endswith('-2"'), done["ETag"])
    whole = s3.get_object(**named)["Body"].read()
    judge.check("the parts are one object", whole == body + b"tail", len(whole))
    other = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    s3.abort_multipart_upload(**other)
    code = code_of(s3.upload_part, **other, PartNumber=1, Body=b"late")
    judge.equal("an upload that was given up", code, "NoSuchUpload")


def judge_end(judge: Judge, s3: Any, bucket: str, _: Mapping[str, Any]) -> None:
    judge.equal("a bucket that is full", code_of(s3.delete_bucket, Bucket=bucket), "BucketNotEmpty")
    keys = [{"Key": one["Key"]} for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})["Deleted"]
    judge.equal("all are deleted", [{"Key": one["Key"]} for one in deleted], keys)
    s3.delete_bucket(Bucket=bucket)
    judge.equal("a bucket that is gone", code_of(s3.list_objects_v2, Bucket=bucket), "NoSuchBucket")


if __name__ == "__main__":
    raise SystemExit(main())
