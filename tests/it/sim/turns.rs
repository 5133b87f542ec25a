//! Only so many endpoints roll at once, and all of them in the end.

use trueup::clock::SignedDuration;
use trueup::execute::pass::{Mode, UnitPass};
use trueup::limits::TURNS_MIN;

use super::repository::{FleetKind, add_model};
use super::stage::{Stage, scope};
use super::weather::Calm;

const MODELS: usize = 12;

fn updating(stage: &Stage) -> usize {
    let scope = scope();
    let endpoints = stage.world.peek_all(&scope, "DescribeEndpoint");
    endpoints
        .into_iter()
        .filter(|one| one["EndpointStatus"] == "Updating")
        .count()
}

fn names() -> impl Iterator<Item = String> {
    (1..MODELS)
        .map(|n| format!("model-{n:02}"))
        .chain(["fraud".to_owned()])
}

#[test]
fn a_commit_that_concerns_every_endpoint_does_not_reach_them_all_at_once() {
    let mut stage = Stage::with(FleetKind::Tiny);
    for name in names().filter(|name| name != "fraud") {
        add_model(&mut stage.forge, &name);
    }
    stage.settle(&mut Calm);
    let configs: Vec<_> = names()
        .map(|name| format!("models/{name}/config.yaml"))
        .collect();
    let bigger: Vec<_> = configs
        .iter()
        .map(|path| {
            let text = stage.forge.text(path).expect("a config");
            text.replace("ml.m5.large", "ml.m5.xlarge")
        })
        .collect();
    let files: Vec<_> = configs
        .iter()
        .zip(&bigger)
        .map(|(path, text)| (path.as_str(), Some(text.as_bytes())))
        .collect();
    stage.forge.commit(&files);

    let (mut most, mut queued) = (0, false);
    for _ in 0..100 {
        let sweep = stage.sweep(Mode::Apply, &mut Calm);
        most = most.max(updating(&stage));
        queued |= sweep
            .models
            .iter()
            .flat_map(|model| &model.units)
            .any(UnitPass::is_queued);
        stage.after(SignedDuration::from_secs(30), &mut Calm);
        if sweep.is_settled() && updating(&stage) == 0 {
            break;
        }
    }
    assert_eq!(most, TURNS_MIN, "at once");
    assert!(queued, "the others waited");
    stage.stays_quiet();
    for name in names() {
        let config = stage.config_of(&format!("{name}-staging"));
        let body = serde_json::json!({"EndpointConfigName": config});
        let found = stage
            .describe("DescribeEndpointConfig", body)
            .expect("its config");
        assert_eq!(
            found["ProductionVariants"][0]["InstanceType"], "ml.m5.xlarge",
            "{name}"
        );
    }
}
