//! What people do, one thing after the other.

use serde_json::json;

use super::checks::BY_HAND;
use super::forge::MAIN;
use super::repository::{add_model, pin_anew, training_script};
use super::stage::Stage;
use super::weather::Weather;

pub(crate) use super::repository::FIRST_AUC;

/// One thing that people do; the number is the model: 0 is `churn`, 1 is `fraud`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    /// Nothing: what is committed converges.
    Watch,
    /// Commit a training script of this quality.
    Train(usize, f64),
    /// The same, and no gate lets it through.
    Miss(usize, f64),
    /// Commit a training script that fails.
    TrainBroken(usize),
    /// Merge the newest promotion, where there is one.
    Promote(usize),
    /// Revert the newest commit of main.
    RevertLast,
    /// Revert the newest commit that changed the training script.
    RevertTraining(usize),
    /// Other instances, or the former ones again.
    Resize(usize),
    /// The same, while nothing new comes up.
    ResizeInVain(usize),
    /// One instance more, or the former number again.
    Rescale(usize),
    /// Other serving code.
    Serve(usize, u64),
    /// Other data.
    Pin(u64),
    /// A gate that nothing reaches, or the former one again.
    Gate,
    /// Quarantine what staging serves.
    Quarantine(usize),
    /// Quarantine the version that comes next.
    QuarantineNext(usize),
    /// Tag everything so.
    Tag(usize, u64),
    /// A description that a package group cannot be given later.
    Describe(usize),
    /// Break `config.yaml`, or mend it.
    Break(usize),
    /// Move the model's folder.
    Rename(usize),
    /// Say that the model is to be absent, or present again.
    TakeDown(usize),
    /// Take the model out of Git.
    Remove(usize),
    /// Add a third model.
    Add,
    /// Push main back by this many commits.
    ForcePush(usize),
    /// Somebody does something in a console.
    Hand(Hand),
    /// Ask for another attempt at what was rolled back.
    Retry,
    /// From now on nothing new comes up in service, or does again.
    Outage,
    /// Git goes away, and somebody orders production to go back to the release before.
    Order(usize),
    /// Git is there again.
    Return,
}

/// What somebody does in a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// Brings an endpoint config of their own to staging.
    Config,
    /// Changes the number of instances of staging.
    Count,
    /// Stops production's monitor.
    StopMonitor,
    /// Deletes production's monitor.
    DeleteMonitor,
    /// Rewrites the pipeline.
    Pipeline,
    /// Takes a configured tag away.
    Untag,
    /// Approves nothing any more.
    Reject,
}

/// What somebody may do at any time.
pub(crate) const HANDS: &[Hand] = &[
    Hand::Config,
    Hand::StopMonitor,
    Hand::DeleteMonitor,
    Hand::Pipeline,
    Hand::Reject,
];

/// Create, new release, revert.
pub(crate) const RELEASE_AND_REVERT: &[Deed] = &[
    Deed::Watch,
    Deed::Promote(0),
    Deed::Train(0, 0.9),
    Deed::Promote(0),
    Deed::RevertLast,
];

/// Model names by number.
pub(crate) const NAMES: [&str; 2] = ["churn", "fraud"];

/// Passes over what only a person can end.
const LINGER: usize = 7;
/// The same over what would be tried again for ever, if nobody counted.
const LINGER_IN_VAIN: usize = 24;

impl Deed {
    /// Whether the end of it is that a person must act: it is watched for a while only.
    pub(crate) fn is_stuck(self) -> bool {
        matches!(
            self,
            Self::TrainBroken(_)
                | Self::Miss(..)
                | Self::Gate
                | Self::Describe(_)
                | Self::Break(_)
                | Self::Outage
                | Self::ResizeInVain(_)
                | Self::Order(_)
        )
    }
}

impl Stage {
    /// The folder of a model, wherever it was moved to.
    pub(crate) fn folder(&self, model: usize) -> Option<String> {
        let snapshot = self.forge.snapshot(&self.tip());
        let folders = [
            format!("models/{}", NAMES[model]),
            format!("models/{}-moved", NAMES[model]),
        ];
        folders.into_iter().find(|folder| {
            snapshot
                .files
                .contains_key(&format!("{folder}/config.yaml"))
        })
    }

    fn edit(&mut self, model: usize, file: &str, change: impl FnOnce(&str) -> String) {
        let Some(folder) = self.folder(model) else {
            return;
        };
        let path = format!("{folder}/{file}");
        let text = self.forge.text(&path).unwrap_or_default();
        let changed = change(&text);
        if changed != text {
            self.forge.commit(&[(&path, Some(changed.as_bytes()))]);
        }
    }

    fn toggle(&mut self, model: usize, one: &str, other: &str) {
        self.edit(model, "config.yaml", |text| {
            if text.contains(one) {
                text.replace(one, other)
            } else {
                text.replace(other, one)
            }
        });
    }

    /// Does one deed, without waiting for what comes of it.
    pub(crate) fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Watch => {}
            Deed::Train(model, auc) | Deed::Miss(model, auc) => {
                self.edit(model, "src/train.py", |_| training_script(auc));
            }
            Deed::TrainBroken(model) => {
                self.edit(model, "src/train.py", |_| "raise\n".to_owned());
            }
            Deed::Promote(model) => {
                let branch = self.forge.promotion(NAMES[model]);
                if let Some(branch) = branch.filter(|branch| !self.forge.is_merged(branch)) {
                    self.forge.merge(&branch);
                }
            }
            Deed::RevertLast => {
                let mut tip = self.tip();
                while self.retries.contains(&tip)
                    && let Some(parent) = self.forge.parent(&tip)
                {
                    tip = parent;
                }
                if self.forge.parent(&tip).is_some() {
                    self.forge.revert(&tip);
                }
            }
            Deed::RevertTraining(model) => self.revert_training(model),
            Deed::Resize(model) | Deed::ResizeInVain(model) => {
                self.toggle(model, "ml.m5.large", "ml.m5.xlarge");
            }
            Deed::Rescale(model) => self.toggle(
                model,
                "initial_instance_count: 1",
                "initial_instance_count: 2",
            ),
            Deed::Serve(model, n) => {
                self.edit(model, "src/inference.py", |_| format!("version = {n}\n"));
            }
            Deed::Pin(rows) => {
                if let Some(folder) = self.folder(0) {
                    pin_anew(&mut self.forge, &folder, rows);
                }
            }
            Deed::Gate => self.toggle(0, ">= 0.6", ">= 0.99"),
            Deed::Quarantine(model) => {
                let arn = self.served_in_staging(model);
                self.quarantine(model, arn);
            }
            Deed::QuarantineNext(model) => {
                let arn = self.next_package(model);
                self.quarantine(model, arn);
            }
            Deed::Tag(model, n) => self.edit(model, "config.yaml", |text| {
                let lines = text.lines().filter(|line| !line.starts_with("tags:"));
                let text: Vec<_> = lines.collect();
                format!("{}\ntags: {{team: t{n}}}\n", text.join("\n"))
            }),
            Deed::Describe(model) => {
                self.toggle(model, "description: \"of some kind\"\nregion:", "region:");
            }
            Deed::Break(model) => self.toggle(model, "framework: sklearn@1.2-1", "framwork: 1"),
            Deed::Rename(model) => {
                if let Some(folder) = self.folder(model) {
                    let there = format!("models/{}-moved", NAMES[model]);
                    if folder != there {
                        self.forge.rename(&folder, &there);
                    }
                }
            }
            Deed::TakeDown(model) => self.toggle(
                model,
                "state: absent\ndeletion: destroy\nregion:",
                "region:",
            ),
            Deed::Remove(model) => {
                if let Some(folder) = self.folder(model) {
                    self.forge.remove(&folder);
                }
            }
            Deed::Add => add_model(&mut self.forge, "third"),
            Deed::ForcePush(back) => {
                let mut commit = self.tip();
                for _ in 0..back {
                    commit = self.forge.parent(&commit).unwrap_or(commit);
                }
                self.forge.force(&commit);
            }
            Deed::Hand(hand) => drop(self.by_hand(hand)),
            Deed::Retry => self.retry(),
            Deed::Outage => self.outage = !self.outage,
            Deed::Order(model) => {
                self.away = true;
                self.order(NAMES[model], "production");
            }
            Deed::Return => self.away = false,
        }
    }

    fn revert_training(&mut self, model: usize) {
        let Some(folder) = self.folder(model) else {
            return;
        };
        let path = format!("{folder}/src/train.py");
        let mut commit = self.tip();
        while let Some(parent) = self.forge.parent(&commit) {
            let script = |id| self.forge.snapshot(id).files.get(&path).cloned();
            if script(&commit) != script(&parent) {
                break;
            }
            commit = parent;
        }
        if self.forge.parent(&commit).is_some() {
            self.forge.revert(&commit);
        }
    }

    fn served_in_staging(&self, model: usize) -> Option<String> {
        let file = format!("{}/releases/staging.yaml", self.folder(model)?);
        super::ledger::field(&self.forge.text(&file)?, "arn:")
    }

    fn next_package(&self, model: usize) -> Option<String> {
        let served = self.served_in_staging(model)?;
        let (group, _) = served.rsplit_once('/')?;
        let scope = super::stage::scope();
        let all = self.world.peek_all(&scope, "DescribeModelPackage");
        let ours = all.filter(|body| body["ModelPackageGroupName"] == NAMES[model]);
        let last = ours
            .filter_map(|body| body["ModelPackageVersion"].as_u64())
            .max()?;
        Some(format!("{group}/{}", last + 1))
    }

    fn quarantine(&mut self, model: usize, arn: Option<String>) {
        let Some(arn) = arn else { return };
        self.edit(model, "quarantine.yaml", |text| {
            format!(
                "{text}- {{package: \"{arn}\", reason: \"r\", by: \"b\", at: \"2026-11-22T00:00:00Z\"}}\n"
            )
        });
    }

    /// Everywhere: attempts are counted, and each grows.
    pub(crate) fn retry(&mut self) {
        let snapshot = self.forge.snapshot(&self.tip());
        let mut files = Vec::new();
        for path in snapshot
            .files
            .keys()
            .filter(|path| path.contains("/releases/"))
        {
            let text = snapshot.text(path).unwrap_or_default();
            let attempt = super::ledger::field(text, "attempt:");
            if let Some(attempt) = attempt.and_then(|attempt| attempt.parse::<u32>().ok()) {
                let next = format!("attempt: {}", attempt + 1);
                files.push((
                    path.clone(),
                    text.replace(&format!("attempt: {attempt}"), &next),
                ));
            }
        }
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_bytes())))
            .collect();
        if !files.is_empty() {
            self.forge.commit(&files);
            self.retries.insert(self.tip());
        }
    }

    /// Whether it could be done.
    pub(crate) fn by_hand(&mut self, hand: Hand) -> bool {
        let schedule = json!({"MonitoringScheduleName": "churn-production-data-quality"});
        let done = match hand {
            Hand::Config => return self.config_by_hand(),
            Hand::Count => self.try_console(
                "UpdateEndpointWeightsAndCapacities",
                json!({"EndpointName": "churn-staging", "DesiredWeightsAndCapacities":
                    [{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}]}),
            ),
            Hand::StopMonitor => self.try_console("StopMonitoringSchedule", schedule),
            Hand::DeleteMonitor => self.try_console("DeleteMonitoringSchedule", schedule),
            Hand::Pipeline => self.try_console(
                "UpdatePipeline",
                json!({"PipelineName": "churn", "PipelineDisplayName": "by-hand", "PipelineDefinition":
                    "{\"Version\":\"2020-12-01\",\"Parameters\":[],\"Steps\":[{\"Name\":\"f\",\"Type\":\"Fail\",\"Arguments\":{\"ErrorMessage\":\"by hand\"}}]}"}),
            ),
            Hand::Untag => {
                let arn = self
                    .describe("DescribePipeline", json!({"PipelineName": "churn"}))
                    .map(|body| body["PipelineArn"].clone());
                let Some(arn) = arn else { return false };
                self.try_console("DeleteTags", json!({"ResourceArn": arn, "TagKeys": ["team"]}))
            }
            Hand::Reject => {
                let Some(arn) = self.production_package() else { return false };
                self.try_console(
                    "UpdateModelPackage",
                    json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Rejected"}),
                )
            }
        };
        done.is_some()
    }

    fn production_package(&self) -> Option<String> {
        let file = format!("{}/releases/production.yaml", self.folder(0)?);
        super::ledger::field(&self.forge.text(&file)?, "arn:")
    }

    fn config_by_hand(&mut self) -> bool {
        let endpoint = json!({"EndpointName": "churn-staging"});
        let Some(endpoint) = self.describe("DescribeEndpoint", endpoint) else {
            return false;
        };
        let named = json!({"EndpointConfigName": endpoint["EndpointConfigName"]});
        let Some(config) = self.describe("DescribeEndpointConfig", named) else {
            return false;
        };
        let mut variants = config["ProductionVariants"].clone();
        variants[0]["InitialInstanceCount"] = json!(3);
        let made = json!({"EndpointConfigName": BY_HAND, "ProductionVariants": variants});
        self.try_console("CreateEndpointConfig", made);
        let update = json!({"EndpointName": "churn-staging", "EndpointConfigName": BY_HAND});
        self.try_console("UpdateEndpoint", update).is_some()
    }

    /// Follows a deed to its end, or for a while where there is none before a person acts.
    pub(crate) fn follow(&mut self, deed: Deed, weather: &mut dyn Weather) -> Result<(), String> {
        if deed.is_stuck() {
            let in_vain = matches!(deed, Deed::ResizeInVain(_));
            self.linger(if in_vain { LINGER_IN_VAIN } else { LINGER }, weather);
            return Ok(());
        }
        self.try_settle(weather).map(drop)
    }

    /// Passes this often, whatever comes of it.
    pub(crate) fn linger(&mut self, sweeps: usize, weather: &mut dyn Weather) {
        for _ in 0..sweeps {
            let sweep = self.sweep(trueup::execute::pass::Mode::Apply, weather);
            let pause = self.pause(&sweep, weather);
            self.after(pause, weather);
            weather.between(self);
        }
    }

    /// Does the deeds, each followed to its end.
    pub(crate) fn play(&mut self, deeds: &[Deed], weather: &mut dyn Weather) {
        for deed in deeds {
            self.perform(*deed);
            if let Err(left) = self.follow(*deed, weather) {
                panic!("{deed:?}: {left}");
            }
        }
        assert!(self.forge.branches().contains(MAIN));
    }
}
