"""Judges the local SageMaker with the SageMaker Python SDK 2: a pipeline, its model, an endpoint.

    python judge_sdk2.py --manifest FILE

FILE is a JSON object with `url` and `region`. The pipeline splits, trains, evaluates, and registers what
is good enough; the registered model is served, asked and monitored. What is made is taken away again, but for
jobs.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

from sagemaker import ModelPackage, Session, image_uris
from sagemaker.deserializers import JSONDeserializer
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker import model_monitor
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.serializers import JSONSerializer
from sagemaker.sklearn import SKLearn, SKLearnProcessor
from sagemaker.telemetry import telemetry_logging
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

import flats
from flats import ROLE
from judging import Judge, read_manifest
from local_session import LocalSession

FRAMEWORK = "1.2-1"
INSTANCE = "ml.m5.large"


def main() -> int:
    manifest = read_manifest(__doc__)
    judge, names = Judge(), flats.Names("sdk2")
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
    with judge.section("a job by itself"):
        judge_fit(judge, session)
    with judge.section("the monitor"):
        flats.judge_monitor(judge, session, names, model_monitor)
    with judge.section("deletion"):
        judge_deletion(judge, session, names)
    return judge.finish()


def build(session: PipelineSession, names: flats.Names) -> Pipeline:
    """Split, train, evaluate, and register if the error is small enough."""
    data = ParameterString("Data", default_value=flats.upload(session))
    error_most = ParameterFloat("ErrorMost", default_value=50.0)
    processor = SKLearnProcessor(
        framework_version=FRAMEWORK,
        role=ROLE,
        instance_type=INSTANCE,
        instance_count=1,
        sagemaker_session=session,
    )
    split = ProcessingStep(
        "Split",
        step_args=processor.run(
            code=str(flats.CODE / "preprocess.py"),
            inputs=[ProcessingInput(data, flats.folder("data"), input_name="data")],
            outputs=[
                ProcessingOutput(output_name=one, source=flats.folder(one))
                for one in ("train", "test")
            ],
            arguments=flats.arguments(input="data", train="train", test="test"),
        ),
    )
    estimator = SKLearn(
        "train.py",
        source_dir=str(flats.CODE),
        framework_version=FRAMEWORK,
        role=ROLE,
        instance_type=INSTANCE,
        hyperparameters={"unit": 10},
        metric_definitions=[{"Name": "slope", "Regex": "slope=([0-9.]+)"}],
        sagemaker_session=session,
    )
    train = TrainingStep(
        "Train", step_args=estimator.fit({"train": TrainingInput(output(split, "train"))})
    )
    report = PropertyFile("Report", output_name="evaluation", path="evaluation.json")
    artefact = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor.run(
            code=str(flats.CODE / "evaluate.py"),
            inputs=[
                ProcessingInput(artefact, flats.folder("model"), input_name="model"),
                ProcessingInput(output(split, "test"), flats.folder("test"), input_name="test"),
            ],
            outputs=[ProcessingOutput(output_name="evaluation", source=flats.folder("evaluation"))],
            arguments=flats.arguments(model="model", test="test", output="evaluation"),
        ),
        property_files=[report],
    )
    error = JsonGet(
        step_name=evaluate.name,
        property_file=report,
        json_path="regression_metrics.mae.value",
    )
    check = ConditionStep(
        "Check",
        conditions=[ConditionLessThanOrEqualTo(left=error, right=error_most)],
        if_steps=[register(session, names, artefact, evaluate)],
        else_steps=[FailStep("TooFar", Join(on=" ", values=["the error is above", error_most]))],
    )
    return Pipeline(
        names.pipeline,
        parameters=[data, error_most],
        steps=[split, train, evaluate, check],
        sagemaker_session=session,
    )


def register(
    session: PipelineSession, names: flats.Names, artefact: Any, evaluate: ProcessingStep
) -> ModelStep:
    model = Model(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, FRAMEWORK),
        model_data=artefact,
        role=ROLE,
        entry_point="inference.py",
        source_dir=str(flats.CODE),
        sagemaker_session=session,
    )
    statistics = Join(on="/", values=[output(evaluate, "evaluation"), "evaluation.json"])
    return ModelStep(
        "Register",
        step_args=model.register(
            content_types=["application/json"],
            response_types=["application/json"],
            inference_instances=[INSTANCE],
            transform_instances=[INSTANCE],
            model_package_group_name=names.group,
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(MetricsSource("application/json", statistics)),
        ),
    )


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
    ran = [
        "Check",
        "Evaluate",
        "Register-RegisterModel",
        "Register-RepackModel-0",
        "Split",
        "Train",
    ]
    judge.equal("its steps", steps, {one: "Succeeded" for one in ran})


def judge_failing(judge: Judge, session: PipelineSession, names: flats.Names) -> None:
    """What the condition refuses ends in the step that says so."""
    pipeline = Pipeline(names.pipeline, sagemaker_session=session)
    execution = pipeline.start(parameters={"ErrorMost": 0.001})
    flats.wait(
        lambda: execution.describe()["PipelineExecutionStatus"] != "Executing",
        flats.PIPELINE_DEADLINE,
    )
    steps = {one["StepName"]: one.get("FailureReason") for one in execution.list_steps()}
    judge.equal("why it failed", steps.get("TooFar"), "the error is above 0.001")
    judge.equal("status", execution.describe()["PipelineExecutionStatus"], "Failed")


def judge_endpoint(judge: Judge, session: Session, names: flats.Names) -> None:
    client = session.sagemaker_client
    listed = client.list_model_packages(ModelPackageGroupName=names.group)
    packages = listed["ModelPackageSummaryList"]
    judge.equal("one version is registered", len(packages), 1)
    arn = packages[0]["ModelPackageArn"]
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    model = ModelPackage(role=ROLE, model_package_arn=arn, sagemaker_session=session)
    model.deploy(
        initial_instance_count=1,
        instance_type=INSTANCE,
        endpoint_name=names.endpoint,
        data_capture_config=DataCaptureConfig(
            enable_capture=True,
            sampling_percentage=100,
            destination_s3_uri=f"s3://{session.default_bucket()}/sdk2/capture",
            sagemaker_session=session,
        ),
        wait=False,
    )
    status = flats.wait(lambda: flats.settled(client, names.endpoint), flats.ENDPOINT_DEADLINE)
    judge.equal("the endpoint", status, "InService")
    predictor = Predictor(
        names.endpoint,
        sagemaker_session=session,
        serializer=JSONSerializer(),
        deserializer=JSONDeserializer(),
    )
    answer = predictor.predict([60, 100])
    judge.check("what flats cost", flats.plausible(answer), answer)


def judge_fit(judge: Judge, session: Session) -> None:
    """Without a pipeline: a job whose end the SDK awaits, and the model that it left."""
    estimator = SKLearn(
        "train.py",
        source_dir=str(flats.CODE),
        framework_version=FRAMEWORK,
        role=ROLE,
        instance_type=INSTANCE,
        sagemaker_session=session,
    )
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        estimator.fit({"train": flats.upload(session)}, logs="All", wait=True)
    judge.check("what a job says while it is awaited", "slope=" in told.getvalue(), told.getvalue())
    judge.check("a job's artefact", estimator.model_data.endswith("/output/model.tar.gz"))
    model = estimator.create_model(entry_point="inference.py", source_dir=str(flats.CODE))
    model.create(instance_type=INSTANCE)
    container = session.sagemaker_client.describe_model(ModelName=model.name)["PrimaryContainer"]
    judge.equal("a model's image", container["Image"], estimator.training_image_uri())
    model.delete_model()


def judge_deletion(judge: Judge, session: Session, names: flats.Names) -> None:
    client = session.sagemaker_client
    predictor = Predictor(names.endpoint, sagemaker_session=session)
    predictor.delete_model()
    predictor.delete_endpoint(delete_endpoint_config=True)
    named = {"EndpointName": names.endpoint}
    flats.wait(lambda: flats.refusal(client.describe_endpoint, **named), flats.ENDPOINT_DEADLINE)
    Pipeline(names.pipeline, sagemaker_session=session).delete()
    group = {"ModelPackageGroupName": names.group}
    refused = flats.refusal(client.delete_model_package_group, **group)
    judge.equal("a group with versions stays", refused, "ConflictException")
    for one in client.list_model_packages(**group)["ModelPackageSummaryList"]:
        client.delete_model_package(ModelPackageName=one["ModelPackageArn"])
    client.delete_model_package_group(**group)
    flats.judge_left(judge, client, names)


if __name__ == "__main__":
    raise SystemExit(main())
