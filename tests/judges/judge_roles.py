"""Judges IAM and STS of a running local SageMaker, as boto3 sees them.

    python judge_roles.py --manifest FILE

FILE is a JSON object with `url` and `region`. What is made is taken away again.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Dict, Mapping

from calls import client, code_of, fresh, refused
from judging import Judge, read_manifest


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    for section in (judge_role, judge_policy, judge_trust, judge_simulation, judge_denial):
        with judge.section(section.__name__):
            section(judge, manifest, client(manifest, "iam"))
    return judge.finish()


def trust(service: str = "sagemaker.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(effect: str, *actions: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def judge_role(judge: Judge, manifest: Mapping[str, Any], iam: Any) -> None:
    name = fresh("role")
    made = iam.create_role(
        RoleName=name, Path="/ml/", AssumeRolePolicyDocument=trust(), Tags=[{"Key": "a", "Value": "b"}]
    )["Role"]
    judge.check("a role's ARN", made["Arn"].endswith(f":role/ml/{name}"), made["Arn"])
    shown = iam.get_role(RoleName=name)["Role"]
    judge.equal("a role's trust", shown["AssumeRolePolicyDocument"], json.loads(trust()))
    judge.equal("a role's tags", shown["Tags"], [{"Key": "a", "Value": "b"}])
    judge.check("a role's time", shown["CreateDate"].year > 2000, shown)
    there = client({**manifest, "region": "us-west-2"}, "iam").get_role(RoleName=name)["Role"]
    judge.equal("the same in another region", there["Arn"], made["Arn"])
    second = {"RoleName": name, "AssumeRolePolicyDocument": trust()}
    refused(judge, "a second one", "EntityAlreadyExists", iam.create_role, **second)
    empty = {"RoleName": fresh("role"), "AssumeRolePolicyDocument": "{}"}
    refused(judge, "no trust", "MalformedPolicyDocument", iam.create_role, **empty)
    iam.update_role(RoleName=name, Description="é & <b>", MaxSessionDuration=7200)
    shown = iam.get_role(RoleName=name)["Role"]
    judge.equal("a changed role", (shown["Description"], shown["MaxSessionDuration"]), ("é & <b>", 7200))
    iam.tag_role(RoleName=name, Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_role(RoleName=name, TagKeys=["a"])
    judge.equal("changed tags", iam.list_role_tags(RoleName=name)["Tags"], [{"Key": "c", "Value": "d"}])
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/ml/", PaginationConfig={"PageSize": 1})
    found = [role["RoleName"] for page in pages for role in page["Roles"]]
    judge.check("a role is listed", name in found, found)
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy("Allow", "s3:*"))
    document = iam.get_role_policy(RoleName=name, PolicyName="own")["PolicyDocument"]
    judge.equal("a policy of its own", document, json.loads(policy("Allow", "s3:*")))
    judge.equal("its list", iam.list_role_policies(RoleName=name)["PolicyNames"], ["own"])
    refused(judge, "to delete too early", "DeleteConflict", iam.delete_role, RoleName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="own")
    iam.delete_role(RoleName=name)
    try:
        iam.get_role(RoleName=name)
        judge.check("a role that is gone", False, "it is there")
    except iam.exceptions.NoSuchEntityException as gone:
        judge.equal("a role that is gone", gone.response["ResponseMetadata"]["HTTPStatusCode"], 404)


def judge_policy(judge: Judge, manifest: Mapping[str, Any], iam: Any) -> None:
    name, role = fresh("policy"), fresh("role")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=policy("Allow", "s3:Get*"))["Policy"]["Arn"]
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust())
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    judge.equal("an attached policy", attached, [{"PolicyName": name, "PolicyArn": arn}])
    judge.equal("where it is attached", iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"], 1)
    listed = [one["Arn"] for one in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]]
    judge.check("a policy is listed", arn in listed, listed)
    refused(judge, "to delete what is attached", "DeleteConflict", iam.delete_policy, PolicyArn=arn)
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy("Deny", "*"), SetAsDefault=True)
    judge.equal("a second version", made["PolicyVersion"]["VersionId"], "v2")
    shown = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    judge.equal("the first version", shown["Document"], json.loads(policy("Allow", "s3:Get*")))
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    found = [(one["VersionId"], one["IsDefaultVersion"]) for one in versions]
    judge.equal("its versions", found, [("v2", True), ("v1", False)])
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    refused(judge, "a policy that is gone", "NoSuchEntity", iam.get_policy, PolicyArn=arn)
    refused(
        judge, "a policy with a principal", "MalformedPolicyDocument", iam.create_policy,
        PolicyName=name, PolicyDocument=policy("Allow", "s3:*", Principal="*"),
    )
    iam.delete_role(RoleName=role)


def judge_trust(judge: Judge, manifest: Mapping[str, Any], iam: Any) -> None:
    sagemaker, sts = client(manifest, "sagemaker"), client(manifest, "sts")
    name, model = fresh("role"), fresh("model")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))["Role"]["Arn"]
    container = {"Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1"}
    asked: Dict[str, Any] = {"ModelName": model, "ExecutionRoleArn": arn, "PrimaryContainer": container}
    try:
        sagemaker.create_model(**asked)
        judge.check("a role that does not trust", False, "it is taken")
    except sagemaker.exceptions.ClientError as error:
        words = error.response["Error"]["Message"]
        judge.check("a role that does not trust", words.startswith(f"Could not assume role {arn}."), words)
    refused(judge, "a session", "AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="judge")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust())
    sagemaker.create_model(**asked)
    sagemaker.delete_model(ModelName=model)
    account = sts.get_caller_identity()["Account"]
    root = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Statement": [root]}))
    session = sts.assume_role(RoleArn=arn, RoleSessionName="judge")
    judge.check("a session for the account", session["AssumedRoleUser"]["Arn"].endswith(f"/{name}/judge"), session)
    judge.check("credentials", session["Credentials"]["AccessKeyId"].startswith("ASIA"))
    iam.delete_role(RoleName=name)
    judge.equal("a role that is gone", code_of(sagemaker.create_model, **asked), "ValidationException")
    never = arn.replace(name, fresh("never"))
    sagemaker.create_model(**{**asked, "ExecutionRoleArn": never})
    sagemaker.delete_model(ModelName=model)
    settings = put(manifest, "settings", {"known_roles_only": True})
    judge.equal("a setting", settings["known_roles_only"], True)
    refusal = code_of(sagemaker.create_model, **{**asked, "ExecutionRoleArn": never})
    put(manifest, "settings", {})
    judge.equal("a role that was never made, if that is asked", refusal, "ValidationException")


def put(
    manifest: Mapping[str, Any], page: str, body: Mapping[str, Any], method: str = "PUT"
) -> Dict[str, Any]:
    """Asks the server itself."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{manifest['url']}/_trueup/{page}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"{}")


def decisions(iam: Any, arn: str, *actions: str, **more: Any) -> Dict[str, str]:
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(actions), **more)
    return {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}


def judge_simulation(judge: Judge, manifest: Mapping[str, Any], iam: Any) -> None:
    name = fresh("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    never = arn.replace(name, fresh("never"))
    judge.equal("nothing is known", decisions(iam, never, "s3:GetObject"), {"s3:GetObject": "allowed"})
    judge.equal("nothing is allowed", decisions(iam, arn, "s3:GetObject"), {"s3:GetObject": "implicitDeny"})
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy("Allow", "s3:*", Condition=condition))
    iam.put_role_policy(RoleName=name, PolicyName="not", PolicyDocument=policy("Deny", "s3:Delete*"))
    key = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string"}
    region = [{**key, "ContextKeyValues": ["eu-west-1"]}]
    found = decisions(iam, arn, "s3:GetObject", "s3:DeleteObject", "iam:GetRole", ContextEntries=region)
    expected = {"s3:GetObject": "allowed", "s3:DeleteObject": "explicitDeny", "iam:GetRole": "implicitDeny"}
    judge.equal("what policies come to", found, expected)
    judge.equal("without the region", decisions(iam, arn, "s3:GetObject"), {"s3:GetObject": "implicitDeny"})
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    missing = answer["EvaluationResults"][0]["MissingContextValues"]
    judge.equal("what is missing", missing, ["aws:RequestedRegion"])
    custom = iam.simulate_custom_policy(
        PolicyInputList=[policy("Allow", "s3:Get*")], ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/a", "arn:aws:s3:::b/b"],
    )["EvaluationResults"]
    found = [(one["EvalActionName"], one["EvalDecision"]) for one in custom]
    expected_pairs = [("s3:GetObject", "allowed")] * 2 + [("s3:PutObject", "implicitDeny")] * 2
    judge.equal("a policy tried out", found, expected_pairs)
    judge.equal("who decided", custom[0]["MatchedStatements"][0]["SourcePolicyId"], "PolicyInputList.1")
    judge_boundary(judge, iam, name, arn)
    for own in ("own", "not"):
        iam.delete_role_policy(RoleName=name, PolicyName=own)
    iam.delete_role(RoleName=name)


def judge_boundary(judge: Judge, iam: Any, name: str, arn: str) -> None:
    """What a boundary does not let through is not allowed, whatever the role's policies say."""
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy("Allow", "s3:*"))
    made = iam.create_policy(PolicyName=fresh("bound"), PolicyDocument=policy("Allow", "s3:Get*"))["Policy"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=made["Arn"])
    found = decisions(iam, arn, "s3:GetObject", "s3:PutObject")
    judge.equal("within a boundary", found, {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"})
    refused(judge, "a boundary in use", "DeleteConflict", iam.delete_policy, PolicyArn=made["Arn"])
    iam.delete_role_permissions_boundary(RoleName=name)
    found = decisions(iam, arn, "s3:PutObject")
    judge.equal("without it", found, {"s3:PutObject": "allowed"})
    iam.delete_policy(PolicyArn=made["Arn"])


def judge_denial(judge: Judge, manifest: Mapping[str, Any], iam: Any) -> None:
    arn = "arn:aws:iam::123456789012:role/never-made"
    fault = {"operation": "SimulatePrincipalPolicy", "fault": "access-denied"}
    put(manifest, "faults", fault, method="POST")
    asked = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"]}
    refused(judge, "a simulation on request", "AccessDenied", iam.simulate_principal_policy, **asked)
    judge.equal("the next", code_of(iam.simulate_principal_policy, **asked), "")


if __name__ == "__main__":
    raise SystemExit(main())
