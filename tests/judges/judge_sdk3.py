"""Judges the local SageMaker with the SageMaker Python SDK 3: a pipeline, its model, an endpoint.

    python judge_sdk3.py --manifest FILE

FILE is a JSON object with `url` and `region`. The pipeline splits, trains, evaluates, and registers what
is good enough; the registered model is served and asked. What is made is taken away again, but for
jobs.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

from sagemaker.core import image_uris, model_monitor
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import (
    Endpoint,
    EndpointConfig,
    Model,
    ModelPackage,
    ModelPackageGroup,
)
from sagemaker.core.shapes import (
    ContainerDefinition,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    ProductionVariant,
)
from sagemaker.core.telemetry import telemetry_logging
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.model_trainer import ModelTrainer

import flats
from flats import ROLE
from judging import Judge, read_manifest
from local_session import LocalSession

INSTANCE = "ml.m5.large"


def main() -> int:
    manifest = read_manifest(__doc__)
    judge, names = Judge(), flats.Names("sdk3")
    flats.silence(telemetry_logging)
    boto_session = LocalSession(manifest["url"], manifest["region"])
    session = Session(boto_session=boto_session)
    pipelines = PipelineSession(boto_session=boto_session)
    with judge.section("the pipeline"):
        judge_pipeline(judge, pipelines, names)
    with judge.section("a pipeline that fails"):
        judge_failing(judge, pipelines, names)
    with judge.section("the endpoint"):
        judge_endpoint(judge, session, names)
    with judge.section("the monitor"):
        flats.judge_monitor(judge, session, names, model_monitor)
    with judge.section("deletion"):
        judge_deletion(judge, session, names)
    return judge.finish()


def build(session: PipelineSession, names: flats.Names) -> Pipeline:
    """Split, train, evaluate, and register if the error is small enough."""
    data = ParameterString(name="Data", default_value=flats.upload(session))
    error_most = ParameterFloat(name="ErrorMost", default_value=50.0)
    split = processing(
        session,
        "Split",
        "preprocess.py",
        {"data": data},
        ["train", "test"],
        flats.arguments(input="data", train="train", test="test"),
    )
    image = image_of(session)
    trainer = ModelTrainer(
        training_image=image,
        source_code=SourceCode(source_dir=str(flats.CODE), entry_script="train.py"),
        compute=Compute(instance_type=INSTANCE, instance_count=1),
        hyperparameters={"unit": 10},
        input_data_config=[InputData(channel_name="train", data_source=output(split, "train"))],
        sagemaker_session=session,
        role=ROLE,
    )
    train = TrainingStep(name="Train", step_args=trainer.train())
    artefact = train.properties.ModelArtifacts.S3ModelArtifacts
    report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
    evaluate = processing(
        session,
        "Evaluate",
        "evaluate.py",
        {"model": artefact, "test": output(split, "test")},
        ["evaluation"],
        flats.arguments(model="model", test="test", output="evaluation"),
        [report],
    )
    error = JsonGet(
        step_name=evaluate.name, property_file=report, json_path="regression_metrics.mae.value"
    )
    builder = ModelBuilder(
        s3_model_data_url=artefact,
        image_uri=image,
        env_vars=flats.serving(session),
        sagemaker_session=session,
        role_arn=ROLE,
    )
    register = ModelStep(
        name="Register",
        step_args=builder.register(
            model_package_group_name=names.group,
            content_types=["application/json"],
            response_types=["application/json"],
            inference_instances=[INSTANCE],
            approval_status="PendingManualApproval",
        ),
    )
    check = ConditionStep(
        name="Check",
        conditions=[ConditionLessThanOrEqualTo(left=error, right=error_most)],
        if_steps=[register],
        else_steps=[
            FailStep(
                name="TooFar",
                error_message=Join(on=" ", values=["the error is above", error_most]),
            )
        ],
    )
    return Pipeline(
        name=names.pipeline,
        parameters=[data, error_most],
        steps=[split, train, evaluate, check],
        sagemaker_session=session,
    )


def image_of(session: Session) -> str:
    return image_uris.retrieve(
        "sklearn",
        region=session.boto_region_name,
        version="1.2-1",
        py_version="py3",
        instance_type=INSTANCE,
    )


def processing(
    session: PipelineSession,
    name: str,
    code: str,
    inputs: Dict[str, Any],
    outputs: List[str],
    arguments: List[str],
    reports: List[PropertyFile] = [],
) -> ProcessingStep:
    """A step that runs one of the scripts over what it finds in folders of these names."""
    processor = ScriptProcessor(
        image_uri=image_of(session),
        command=["python3"],
        instance_type=INSTANCE,
        instance_count=1,
        sagemaker_session=session,
        role=ROLE,
    )
    where = f"s3://{session.default_bucket()}/sdk3/{name}"
    found = [
        ProcessingInput(
            input_name=one,
            s3_input=ProcessingS3Input(
                s3_uri=source,
                local_path=flats.folder(one),
                s3_data_type="S3Prefix",
                s3_input_mode="File",
            ),
        )
        for one, source in inputs.items()
    ]
    left = [
        ProcessingOutput(
            output_name=one,
            s3_output=ProcessingS3Output(
                s3_uri=f"{where}/{one}", local_path=flats.folder(one), s3_upload_mode="EndOfJob"
            ),
        )
        for one in outputs
    ]
    args = processor.run(
        code=str(flats.CODE / code), inputs=found, outputs=left, arguments=arguments
    )
    return ProcessingStep(name=name, step_args=args, property_files=reports)


def output(step: ProcessingStep, name: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def judge_pipeline(judge: Judge, session: PipelineSession, names: flats.Names) -> None:
    pipeline = build(session, names)
    made = pipeline.upsert(ROLE, tags=[{"Key": "team", "Value": "judges"}])
    again = pipeline.upsert(ROLE, description="the same again")
    judge.equal("an upsert of what exists updates it", again["PipelineArn"], made["PipelineArn"])
    judge.equal("its description", pipeline.describe()["PipelineDescription"], "the same again")
    execution = pipeline.start(execution_display_name="judged")
    execution.wait(delay=1, max_attempts=flats.PIPELINE_DEADLINE)
    judge.equal("the pipeline", execution.describe()["PipelineExecutionStatus"], "Succeeded")
    steps = {one["StepName"]: one["StepStatus"] for one in execution.list_steps()}
    ran = ["Check", "Evaluate", "Register", "Split", "Train"]
    judge.equal("its steps", steps, {one: "Succeeded" for one in ran})


def judge_failing(judge: Judge, session: PipelineSession, names: flats.Names) -> None:
    """What the condition refuses ends in the step that says so."""
    pipeline = Pipeline(name=names.pipeline, sagemaker_session=session)
    execution = pipeline.start(parameters={"ErrorMost": 0.001})
    flats.wait(
        lambda: execution.describe()["PipelineExecutionStatus"] != "Executing",
        flats.PIPELINE_DEADLINE,
    )
    steps = {one["StepName"]: one.get("FailureReason") for one in execution.list_steps()}
    judge.equal("why it failed", steps.get("TooFar"), "the error is above 0.001")
    judge.equal("status", execution.describe()["PipelineExecutionStatus"], "Failed")


def judge_endpoint(judge: Judge, session: Session, names: flats.Names) -> None:
    here = flats.here(session)
    packages = versions(session, names)
    judge.equal("one version is registered", len(packages), 1)
    session.sagemaker_client.update_model_package(
        ModelPackageArn=packages[0], ModelApprovalStatus="Approved"
    )
    package = ModelPackage.get(model_package_name=packages[0], **here)
    judge.equal("its approval", package.model_approval_status, "Approved")
    model = Model.create(
        model_name=names.endpoint,
        primary_container=ContainerDefinition(model_package_name=package.model_package_arn),
        execution_role_arn=ROLE,
        **here,
    )
    variant = ProductionVariant(
        variant_name="AllTraffic",
        model_name=model.model_name,
        instance_type=INSTANCE,
        initial_instance_count=1,
    )
    EndpointConfig.create(
        endpoint_config_name=names.endpoint, production_variants=[variant], **here
    )
    endpoint = Endpoint.create(
        endpoint_name=names.endpoint, endpoint_config_name=names.endpoint, **here
    )
    endpoint.wait_for_status("InService", poll=1, timeout=flats.ENDPOINT_DEADLINE)
    judge.equal("the endpoint", endpoint.refresh().endpoint_status, "InService")
    answer = endpoint.invoke(body="[60, 100]", content_type="application/json")
    prices = json.loads(answer.body.read())
    judge.check("what flats cost", flats.plausible(prices), prices)


def versions(session: Session, names: flats.Names) -> List[str]:
    """What is registered. The SDK's own list takes the group's name for the version's."""
    found = session.sagemaker_client.list_model_packages(ModelPackageGroupName=names.group)
    return [one["ModelPackageArn"] for one in found["ModelPackageSummaryList"]]


def judge_deletion(judge: Judge, session: Session, names: flats.Names) -> None:
    here = flats.here(session)
    endpoint = Endpoint.get(endpoint_name=names.endpoint, **here)
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=flats.ENDPOINT_DEADLINE)
    EndpointConfig.get(endpoint_config_name=names.endpoint, **here).delete()
    Model.get(model_name=names.endpoint, **here).delete()
    Pipeline(name=names.pipeline, sagemaker_session=session).delete()
    group = ModelPackageGroup.get(model_package_group_name=names.group, **here)
    refused = flats.refusal(group.delete)
    judge.equal("a group with versions stays", refused, "ConflictException")
    for arn in versions(session, names):
        session.sagemaker_client.delete_model_package(ModelPackageName=arn)
    group.delete()
    flats.judge_left(judge, session.sagemaker_client, names)


if __name__ == "__main__":
    raise SystemExit(main())
