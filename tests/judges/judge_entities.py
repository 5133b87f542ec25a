"""Judges what boto3 and the SageMaker SDK use around the line: experiments, model cards, tuning jobs,
the monitors' definitions, versions of pipelines.

    python judge_entities.py --manifest FILE

FILE is a JSON object with `url`, `region` and `endpoints` (a list of names). What is made is taken
away again, but for the training jobs of a tuning job.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Dict, List, Mapping

from calls import fresh, refused
from judging import Judge, read_manifest
from service import Service

# Seconds until two training jobs must have ended.
TUNING_DEADLINE = 180
# Members of a training job that the definition of a tuning job's has under the same name.
DEFINED = ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition")


def main() -> int:
    manifest = read_manifest(__doc__)
    judge = Judge()
    service = Service(judge, manifest["url"], manifest["region"])
    for section in (
        judge_experiments,
        judge_cards,
        judge_definitions,
        judge_groups,
        judge_versions,
        judge_tuning,
    ):
        with judge.section(section.__name__):
            section(judge, service, manifest)
    return judge.finish()


def judge_experiments(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    experiment, trial, component = fresh("experiment"), fresh("trial"), fresh("component")
    client = service.sagemaker
    service.call(experiment, "create_experiment", ExperimentName=experiment)
    refused(
        judge,
        "a second experiment of the name",
        "ValidationException",
        client.create_experiment,
        ExperimentName=experiment,
    )
    service.call(trial, "create_trial", TrialName=trial, ExperimentName=experiment)
    parameters = {"rate": {"NumberValue": 0.5}, "loss": {"StringValue": "log"}}
    status = {"PrimaryStatus": "InProgress"}
    service.call(
        component,
        "create_trial_component",
        TrialComponentName=component,
        Parameters=parameters,
        Status=status,
    )
    both = {"TrialComponentName": component, "TrialName": trial}
    service.call(component, "associate_trial_component", **both)
    service.call(
        component,
        "update_trial_component",
        TrialComponentName=component,
        Status={"PrimaryStatus": "Completed"},
        ParametersToRemove=["loss"],
    )
    found = service.call(component, "describe_trial_component", TrialComponentName=component)
    judge.equal("parameters are taken out", found["Parameters"], {"rate": {"NumberValue": 0.5}})
    for op, key, name in (
        ("list_trials", "TrialSummaries", "TrialName"),
        ("list_trial_components", "TrialComponentSummaries", "TrialComponentName"),
    ):
        listed = service.list(op, key, ExperimentName=experiment)
        expected = trial if name == "TrialName" else component
        judge.equal(f"{op} of an experiment", [one[name] for one in listed], [expected])
    for kind, name in (("experiment", experiment), ("trial", trial)):
        named = {f"{kind.capitalize()}Name": name}
        service.call(name, f"update_{kind}", **named, DisplayName="judged")
        found = service.call(name, f"describe_{kind}", **named)
        judge.equal(f"the changed name of the {kind}", found["DisplayName"], "judged")
    listed = [one["ExperimentName"] for one in service.list("list_experiments", "ExperimentSummaries")]
    judge.check("an experiment is listed", experiment in listed, listed)
    query = {"Name": "Parents.TrialName", "Operator": "Equals", "Value": trial}
    results = service.list(
        "search",
        "Results",
        Resource="ExperimentTrialComponent",
        SearchExpression={"Filters": [query]},
    )
    names = [one["TrialComponent"]["TrialComponentName"] for one in results]
    judge.equal("a component is found by its trial", names, [component])
    refused(
        judge,
        "deletion of an experiment with trials",
        "ValidationException",
        client.delete_experiment,
        ExperimentName=experiment,
    )
    service.call(component, "disassociate_trial_component", **both)
    service.call(component, "delete_trial_component", TrialComponentName=component)
    service.call(trial, "delete_trial", TrialName=trial)
    service.call(experiment, "delete_experiment", ExperimentName=experiment)


def judge_cards(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    card = fresh("card")
    content = json.dumps({"model_overview": {"model_owner": "judge"}})
    service.call(
        card, "create_model_card", ModelCardName=card, Content="{}", ModelCardStatus="Draft"
    )
    service.call(card, "update_model_card", ModelCardName=card, Content=content)
    service.call(card, "update_model_card", ModelCardName=card, ModelCardStatus="Approved")
    found = service.call(card, "describe_model_card", ModelCardName=card)
    shown = (found["Content"], found["ModelCardStatus"], found["ModelCardVersion"])
    judge.equal("the newest version of a card", shown, (content, "Approved", 2))
    first = service.call(card, "describe_model_card", ModelCardName=card, ModelCardVersion=1)
    judge.equal("the first version of a card", first["Content"], "{}")
    versions = service.list(
        "list_model_card_versions", "ModelCardVersionSummaryList", ModelCardName=card
    )
    numbers = [one["ModelCardVersion"] for one in versions]
    judge.equal("the versions of a card", numbers, [2, 1])
    service.list("list_model_cards", "ModelCardSummaries")
    service.call(card, "delete_model_card", ModelCardName=card)
    refused(
        judge,
        "a card that is gone",
        "ResourceNotFound",
        service.sagemaker.describe_model_card,
        ModelCardName=card,
    )


def judge_definitions(judge: Judge, service: Service, manifest: Mapping[str, Any]) -> None:
    truth = {"GroundTruthS3Input": {"S3Uri": "s3://judge/truth"}}
    watched = {"EndpointInput": {"EndpointName": manifest["endpoints"][0], "LocalPath": "/in"}}
    output = {"S3Output": {"S3Uri": "s3://judge/out", "LocalPath": "/out"}}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
    config = {"ImageUri": "analyzer", "ConfigUri": "s3://judge/config.json"}
    kinds: Dict[str, List[Dict[str, Any]]] = {
        "ModelQuality": [{"ImageUri": "analyzer", "ProblemType": "Regression"}, truth],
        "ModelBias": [config, truth],
        "ModelExplainability": [config, {}],
    }
    for kind, (specification, more) in kinds.items():
        name = fresh("definition")
        snake = {"ModelQuality": "quality", "ModelBias": "bias"}.get(kind, "explainability")
        op = f"model_{snake}_job_definition"
        request = {
            "JobDefinitionName": name,
            f"{kind}AppSpecification": specification,
            f"{kind}JobInput": {**watched, **more},
            f"{kind}JobOutputConfig": {"MonitoringOutputs": [output]},
            "JobResources": {"ClusterConfig": cluster},
            "RoleArn": "arn:aws:iam::111122223333:role/judge",
        }
        service.call(name, f"create_{op}", **request)
        found = service.call(name, f"describe_{op}", JobDefinitionName=name)
        mode = found[f"{kind}JobInput"]["EndpointInput"]["S3InputMode"]
        judge.equal(f"{kind}: what the service fills in", mode, "File")
        service.list(f"list_{op}s", "JobDefinitionSummaries", kind)
        service.call(name, f"delete_{op}", JobDefinitionName=name)


def judge_groups(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    group = fresh("group")
    client = service.sagemaker
    service.call(group, "create_model_package_group", ModelPackageGroupName=group)
    named = {"ModelPackageGroupName": group}
    refused(
        judge,
        "a policy that there is not",
        "ValidationException",
        client.get_model_package_group_policy,
        **named,
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    service.call(group, "put_model_package_group_policy", **named, ResourcePolicy=policy)
    found = service.call(group, "get_model_package_group_policy", **named)
    judge.equal("the policy of a group", found["ResourcePolicy"], policy)
    service.call(group, "delete_model_package_group_policy", **named)
    service.call(group, "delete_model_package_group", **named)
    packages = [
        one["ModelPackageArn"]
        for one in client.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"]
    ]
    missing = packages[0].rsplit("/", 1)[0] + "/999"
    batch = service.call(
        "of two", "batch_describe_model_package", ModelPackageArnList=[packages[0], missing]
    )
    judge.equal("a batch shows what there is", list(batch["ModelPackageSummaries"]), [packages[0]])
    errors = batch["BatchDescribeModelPackageErrorMap"]
    judge.equal("a batch names what there is not", list(errors), [missing])


def judge_versions(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    name = fresh("pipeline")
    say = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    definition = json.dumps({"Version": "2020-12-01", "Steps": [say]})
    made = service.call(
        name,
        "create_pipeline",
        PipelineName=name,
        PipelineDefinition=definition,
        RoleArn="arn:aws:iam::111122223333:role/judge",
        ClientRequestToken=uuid.uuid4().hex,
    )
    service.call(
        name,
        "update_pipeline_version",
        PipelineArn=made["PipelineArn"],
        PipelineVersionId=1,
        PipelineVersionDisplayName="first",
        PipelineVersionAliasOperations={"Add": ["good"]},
    )
    found = service.call(name, "describe_pipeline", PipelineName=name)
    judge.equal("the aliases of a version", found.get("PipelineVersionAliases"), ["good"])
    service.list("list_pipeline_versions", "PipelineVersionSummaries", PipelineName=name)
    started = service.call(
        name,
        "start_pipeline_execution",
        PipelineName=name,
        ClientRequestToken=uuid.uuid4().hex,
    )
    execution = {"PipelineExecutionArn": started["PipelineExecutionArn"]}
    service.call(
        name, "update_pipeline_execution", **execution, PipelineExecutionDescription="a try"
    )
    token = uuid.uuid4().hex
    service.call(name, "retry_pipeline_execution", **execution, ClientRequestToken=token)
    ended = service.call(name, "describe_pipeline_execution", **execution)
    shown = (ended["PipelineExecutionStatus"], ended["PipelineExecutionDescription"])
    judge.equal("an execution that failed again", shown, ("Failed", "a try"))
    service.call(
        name, "delete_pipeline", PipelineName=name, ClientRequestToken=uuid.uuid4().hex
    )


def judge_tuning(judge: Judge, service: Service, _: Mapping[str, Any]) -> None:
    """The training of the example, with other values of one hyperparameter."""
    jobs = service.sagemaker.list_training_jobs(StatusEquals="Completed")["TrainingJobSummaries"]
    job = service.sagemaker.describe_training_job(TrainingJobName=jobs[0]["TrainingJobName"])
    static = {name: value for name, value in job["HyperParameters"].items() if name != "l2"}
    measure = {"Name": "validation:auc", "Regex": "validation:auc=([0-9.]+)"}
    algorithm = job["AlgorithmSpecification"]
    definition = {
        "StaticHyperParameters": static,
        "AlgorithmSpecification": {
            "TrainingImage": algorithm["TrainingImage"],
            "TrainingInputMode": algorithm["TrainingInputMode"],
            "MetricDefinitions": [measure],
        },
        **{name: job[name] for name in DEFINED},
        "Environment": job.get("Environment", {}),
    }
    name = fresh("t")
    rate = {"Name": "l2", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"}
    service.call(
        name,
        "create_hyper_parameter_tuning_job",
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": measure["Name"],
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [rate]},
        },
        TrainingJobDefinition=definition,
    )
    named = {"HyperParameterTuningJobName": name}
    end = time.monotonic() + TUNING_DEADLINE
    while True:
        found = service.sagemaker.describe_hyper_parameter_tuning_job(**named)
        if found["HyperParameterTuningJobStatus"] != "InProgress" or time.monotonic() > end:
            break
        time.sleep(1)
    found = service.call(name, "describe_hyper_parameter_tuning_job", **named)
    judge.equal("a tuning job ends", found["HyperParameterTuningJobStatus"], "Completed")
    tries = service.list(
        "list_training_jobs_for_hyper_parameter_tuning_job", "TrainingJobSummaries", name, **named
    )
    objective = "FinalHyperParameterTuningJobObjectiveMetric"
    values = [one[objective]["Value"] for one in tries]
    judge.equal("two were tried", len(values), 2)
    judge.check("both have learned something", all(0.5 < one < 1 for one in values), values)
    tried = {one["TunedHyperParameters"]["l2"] for one in tries}
    judge.check("with values of their own", len(tried) == 2, tried)
    best = found["BestTrainingJob"][objective]["Value"]
    judge.equal("the best is the best", best, max(values))
    service.list("list_hyper_parameter_tuning_jobs", "HyperParameterTuningJobSummaries")
    service.call(name, "delete_hyper_parameter_tuning_job", **named)


if __name__ == "__main__":
    raise SystemExit(main())
