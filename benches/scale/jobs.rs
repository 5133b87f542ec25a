//! The work that a world asks for, done at once: training that succeeds, fleets that come up.

use std::collections::BTreeMap;

use serde_json::json;
use trueup::clock::Timestamp;
use trueup::resource::call::{Call, s3_parts};
use trueup::world::World;
use trueup::world::work::{Done, Job, JobKind, JobOutcome, Work};

/// Above every gate of the example.
const AUC: f64 = 0.9;
/// A pipeline has fewer steps than this; each leads to the next.
const STEPS_MAX: usize = 16;

/// Does everything that has come up, and what follows from it.
pub(crate) fn work_off(world: &mut World, now: Timestamp) {
    for _ in 0..STEPS_MAX {
        let work = world.advance(now);
        if work.is_empty() {
            return;
        }
        for one in work {
            let done = match one {
                Work::Run(job) => Done::Job {
                    id: job.id,
                    outcome: outcome(world, now, &job),
                },
                Work::Serve(fleet) => Done::Fleet {
                    id: fleet.id,
                    failure: None,
                },
                // Nothing here is asked, scaled or told.
                Work::Stop(_)
                | Work::Retire(_)
                | Work::Scale(..)
                | Work::Invoke(_)
                | Work::Post(_) => continue,
            };
            world.finish(now, done);
        }
    }
}

fn outcome(world: &mut World, now: Timestamp, job: &Job) -> JobOutcome {
    let mut artefact = None;
    match job.kind {
        JobKind::Training => {
            let output = job.request["OutputDataConfig"]["S3OutputPath"].as_str();
            let output = output.expect("a training job has an output");
            let uri = format!("{output}/{}/output/model.tar.gz", job.name);
            upload(world, now, job, &uri, format!("trained by {}", job.name));
            artefact = Some(uri);
        }
        JobKind::Processing => {
            let report = json!({"binary_classification_metrics": {"auc": {"value": AUC}}});
            let outputs = job.request["ProcessingOutputConfig"]["Outputs"].as_array();
            for output in outputs.into_iter().flatten() {
                let uri = output["S3Output"]["S3Uri"].as_str();
                let uri = format!("{}/evaluation.json", uri.expect("an output has a place"));
                upload(world, now, job, &uri, report.to_string());
            }
        }
        JobKind::Transform => {}
    }
    JobOutcome::Completed {
        model_artifacts: artefact,
        exit_message: None,
        metrics: BTreeMap::new(),
    }
}

fn upload(world: &mut World, now: Timestamp, job: &Job, uri: &str, text: String) {
    let (bucket, key) = s3_parts(uri).expect("an S3 URI");
    let body = json!({"Bucket": bucket, "Key": key});
    let mut call = Call::new("PutObject", &job.scope, body);
    call.blob = Some(text.into_bytes().into());
    world.call(now, &call).expect("the bucket is there");
}
