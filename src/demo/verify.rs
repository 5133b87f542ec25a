//! The demo's judge. It looks for itself: HTTP to the local SageMaker and S3, and the shared Git
//! repository. It knows nothing of how trueup compiles, plans or acts, and computes what the model
//! has to answer from the model's own numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::Repository;
use serde_json::{Value, json};

use super::artefact;
use super::example::{APPLICATION, MODEL};
use super::http::{Http, HttpError};
use super::judge::{
    by_start, gated, in_order, last_part, package_named, refs, running, shown, step, text,
};
use super::summary::Check;

/// The schedule that watches production's data.
pub const SCHEDULE: &str = "mortgage-production-data-quality";
/// How far an answer may be from what was computed.
const TOLERANCE: f64 = 1e-9;
/// Who the example's resources belong to, before the environment.
const OWNER: &str = "example/mortgage";

/// What there is to see, and what was seen so far.
#[derive(Debug)]
pub struct Verifier {
    http: Http,
    origin: PathBuf,
    checks: Vec<Check>,
    runs: Vec<Run>,
    kept: BTreeMap<&'static str, String>,
    calls: u64,
    refs: BTreeMap<String, String>,
}

/// A run, as it was found.
#[derive(Debug, Clone)]
pub struct Run {
    /// The package that it registered.
    pub package: String,
    /// Where its artefact is.
    pub artefact: String,
    /// The numbers in it.
    model: Value,
    /// What its evaluation measured.
    pub auc: f64,
}

/// An endpoint, as it was found, with what it stands on.
struct Endpoint {
    described: Value,
    config: Value,
    model: Value,
}

/// Why something could not be seen.
struct Wrong(String);

impl From<HttpError> for Wrong {
    fn from(error: HttpError) -> Self {
        Self(error.to_string())
    }
}

impl From<git2::Error> for Wrong {
    fn from(error: git2::Error) -> Self {
        Self(error.message().to_owned())
    }
}

impl From<String> for Wrong {
    fn from(words: String) -> Self {
        Self(words)
    }
}

/// Whether it is so, and what was seen.
type Looked = Result<(bool, String), Wrong>;

impl Verifier {
    /// For the server behind `http` and the bare repository `origin`.
    pub fn new(http: Http, origin: &Path) -> Self {
        Self {
            http,
            origin: origin.to_owned(),
            checks: Vec::new(),
            runs: Vec::new(),
            kept: BTreeMap::new(),
            calls: 0,
            refs: BTreeMap::new(),
        }
    }

    /// Everything that was looked at so far.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The runs that were looked at, in order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    fn check(&mut self, name: impl Into<String>, looked: Looked) {
        let (ok, saw) = looked.unwrap_or_else(|wrong| (false, wrong.0));
        self.checks.push(Check {
            name: name.into(),
            ok,
            saw,
        });
    }

    /// After a run: its steps, its artefact, what it measured.
    pub async fn run(&mut self) {
        let number = self.runs.len() + 1;
        let steps = match self.newest_run(number).await {
            Ok(steps) => steps,
            Err(wrong) => return self.check(format!("run {number} is there"), Err(wrong)),
        };
        self.check(
            format!("run {number}: every step succeeded, in order"),
            Ok(in_order(&steps)),
        );
        self.check(
            format!("run {number}: the gate let it through"),
            Ok(gated(&steps)),
        );
        match self.read_run(&steps).await {
            Ok(run) => {
                let before = self.runs.last().map_or(0.0, |before| before.auc);
                let saw = format!("AUC {:.4}, before {before:.4}", run.auc);
                self.check(
                    format!("run {number}: it measures better than before"),
                    Ok((run.auc > before, saw)),
                );
                self.runs.push(run);
            }
            Err(wrong) => self.check(format!("run {number}: it left a model"), Err(wrong)),
        }
        let body = json!({"PipelineName": MODEL});
        let tags = match self.http.sagemaker("DescribePipeline", &body).await {
            Ok(pipeline) => self.owned(&pipeline["PipelineArn"], MODEL, "home").await,
            Err(error) => Err(error.into()),
        };
        self.check(format!("run {number}: the pipeline says who owns it"), tags);
    }

    /// The steps of the newest run, in the order in which they began. There have to be `number`
    /// runs: none more than asked for.
    async fn newest_run(&self, number: usize) -> Result<Vec<Value>, Wrong> {
        let body = json!({"PipelineName": MODEL});
        let member = "PipelineExecutionSummaries";
        let mut runs = self
            .http
            .list("ListPipelineExecutions", body, member)
            .await?;
        by_start(&mut runs);
        let newest = match runs.last() {
            Some(newest) if runs.len() == number => newest,
            _ => return Err(Wrong(format!("{} runs", runs.len()))),
        };
        let body = json!({"PipelineExecutionArn": newest["PipelineExecutionArn"]});
        let member = "PipelineExecutionSteps";
        let mut steps = self
            .http
            .list("ListPipelineExecutionSteps", body, member)
            .await?;
        by_start(&mut steps);
        Ok(steps)
    }

    async fn read_run(&self, steps: &[Value]) -> Result<Run, Wrong> {
        let package = text(&step(steps, "register")?["Metadata"]["RegisterModel"]["Arn"])?;
        let job = text(&step(steps, "train")?["Metadata"]["TrainingJob"]["Arn"])?;
        let body = json!({"TrainingJobName": last_part(&job)});
        let job = self.http.sagemaker("DescribeTrainingJob", &body).await?;
        let artefact = text(&job["ModelArtifacts"]["S3ModelArtifacts"])?;
        let model = artefact::model(&self.http.object(&artefact).await?)?;

        let job = text(&step(steps, "evaluate")?["Metadata"]["ProcessingJob"]["Arn"])?;
        let body = json!({"ProcessingJobName": last_part(&job)});
        let job = self.http.sagemaker("DescribeProcessingJob", &body).await?;
        let folder = text(&job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"])?;
        let report = self
            .http
            .object(&format!("{folder}/evaluation.json"))
            .await?;
        let report: Value = serde_json::from_slice(&report).map_err(|error| error.to_string())?;
        let auc = report["binary_classification_metrics"]["auc"]["value"].as_f64();
        Ok(Run {
            package,
            artefact,
            model,
            auc: auc.ok_or_else(|| "no AUC in evaluation.json".to_owned())?,
        })
    }

    /// An environment has to serve run `number`: what Git names, what the endpoint stands on, what
    /// it answers, whose it is.
    pub async fn serves(&mut self, environment: &'static str, number: usize, when: &str) {
        let run = self.runs.get(number - 1).cloned();
        let found = match (run, self.endpoint(environment).await) {
            (Some(run), Ok(endpoint)) => Ok((run, endpoint)),
            (None, _) => Err(Wrong(format!("run {number} was not seen"))),
            (_, Err(wrong)) => Err(wrong),
        };
        let name = |what: &str| format!("{environment} {when}: {what}");
        let (run, endpoint) = match found {
            Ok(found) => found,
            Err(wrong) => return self.check(name("the endpoint is there"), Err(wrong)),
        };
        self.check(
            name("it is in service with all its instances"),
            Ok(running(&endpoint.described)),
        );
        let released = self.released(environment, &run, &endpoint).await;
        self.check(name("it serves the package that Git names"), released);
        let answer = self.answer(environment, &run).await;
        self.check(name("it answers what the model's numbers say"), answer);
        let owned = self.all_owned(environment, &endpoint).await;
        self.check(name("its parts say who owns them"), owned);
    }

    async fn endpoint(&self, environment: &str) -> Result<Endpoint, Wrong> {
        let name = format!("{MODEL}-{environment}");
        let body = json!({"EndpointName": name});
        let described = self.http.sagemaker("DescribeEndpoint", &body).await?;
        let body = json!({"EndpointConfigName": described["EndpointConfigName"]});
        let config = self.http.sagemaker("DescribeEndpointConfig", &body).await?;
        let body = json!({"ModelName": config["ProductionVariants"][0]["ModelName"]});
        let model = self.http.sagemaker("DescribeModel", &body).await?;
        Ok(Endpoint {
            described,
            config,
            model,
        })
    }

    async fn released(&self, environment: &str, run: &Run, endpoint: &Endpoint) -> Looked {
        let named = self.named(environment)?;
        let body = json!({"ModelPackageName": named});
        let package = self.http.sagemaker("DescribeModelPackage", &body).await?;
        let container = &package["InferenceSpecification"]["Containers"][0];
        let registered = text(&container["ModelDataUrl"])?;
        let served = text(&endpoint.model["PrimaryContainer"]["ModelDataUrl"])?;
        let same = served == registered && served == run.artefact && named == run.package;
        Ok((same, format!("Git names {named}, {served} is served")))
    }

    /// The package in an environment's release file on main.
    fn named(&self, environment: &str) -> Result<String, Wrong> {
        let repository = Repository::open(&self.origin)?;
        let tree = repository.revparse_single("main^{tree}")?.peel_to_tree()?;
        let path = format!("models/{MODEL}/releases/{environment}.yaml");
        let entry = tree.get_path(Path::new(&path))?;
        let blob = repository.find_blob(entry.id())?;
        let file = String::from_utf8_lossy(blob.content()).into_owned();
        Ok(package_named(&file).ok_or_else(|| format!("{path} names no package"))?)
    }

    async fn answer(&self, environment: &str, run: &Run) -> Looked {
        let application: Value =
            serde_json::from_str(APPLICATION).map_err(|error| error.to_string())?;
        let expected = artefact::probability(&run.model, &application["instances"][0])
            .ok_or_else(|| "model.json is not what it says it is".to_owned())?;
        let endpoint = format!("{MODEL}-{environment}");
        let answer = self.http.invoke(&endpoint, APPLICATION).await?;
        let found = answer["predictions"][0]["probability"]
            .as_f64()
            .ok_or_else(|| format!("it answered {answer}"))?;
        let same = (found - expected).abs() <= TOLERANCE;
        Ok((same, format!("answered {found}, computed {expected}")))
    }

    async fn all_owned(&self, environment: &str, endpoint: &Endpoint) -> Looked {
        let parts = [
            (&endpoint.described, "Endpoint"),
            (&endpoint.config, "EndpointConfig"),
            (&endpoint.model, "Model"),
        ];
        for (part, kind) in parts {
            let name = text(&part[format!("{kind}Name")])?;
            let arn = &part[format!("{kind}Arn")];
            let (ok, saw) = self.owned(arn, &name, environment).await?;
            if !ok {
                return Ok((false, saw));
            }
        }
        Ok((true, format!("{OWNER}/{environment} on all three")))
    }

    async fn owned(&self, arn: &Value, name: &str, place: &str) -> Looked {
        let tags = self
            .http
            .list("ListTags", json!({"ResourceArn": arn}), "Tags")
            .await?;
        let value = |key: &str| {
            let tag = tags.iter().find(|tag| tag["Key"] == key);
            tag.and_then(|tag| tag["Value"].as_str())
                .unwrap_or_default()
        };
        let (owner, own) = (value("trueup:owner"), value("trueup:self"));
        let ok = owner == format!("{OWNER}/{place}") && own == name;
        Ok((ok, format!("{name}: owner {owner:?}, self {own:?}")))
    }

    /// Before the second commit: what production stands on.
    pub async fn before_change(&mut self) {
        match self.endpoint("production").await {
            Ok(endpoint) => self.keep("production", &endpoint.config["EndpointConfigName"]),
            Err(wrong) => self.check("production is there before the change", Err(wrong)),
        }
    }

    /// Before the revert: production has moved, and from here on calls are counted.
    pub async fn before_revert(&mut self) {
        let moved = self.production_config().await.map(|now| {
            let before = self.kept("production");
            (now != before, format!("{before}, then {now}"))
        });
        self.check("production has moved to another endpoint config", moved);
        self.mark().await;
    }

    /// After the revert: production is back, and nothing was made or trained for it.
    pub async fn after_revert(&mut self) {
        let back = self.production_config().await.map(|now| {
            let before = self.kept("production");
            (
                now == before,
                format!("now {now}, before the change {before}"),
            )
        });
        self.check("the revert brought the same endpoint config back", back);
        let made = self.http.calls(self.calls).await.map(|calls| {
            let makes = |call: &&Value| {
                let op = call["op"].as_str().unwrap_or_default();
                op.starts_with("Create") || op.starts_with("Start")
            };
            let made: Vec<_> = calls.iter().filter(makes).map(shown).collect();
            (
                made.is_empty(),
                format!("{} calls, made: {made:?}", calls.len()),
            )
        });
        self.check(
            "the revert made and trained nothing",
            made.map_err(Wrong::from),
        );
    }

    async fn production_config(&self) -> Result<String, Wrong> {
        let endpoint = self.endpoint("production").await?;
        Ok(text(&endpoint.config["EndpointConfigName"])?)
    }

    /// From here on nothing may change.
    pub async fn quiet_from(&mut self) {
        self.mark().await;
    }

    /// Nothing has changed since, though trueup looked at least `passes` times.
    pub async fn quiet_until(&mut self, passes: usize) {
        let calls = match self.http.calls(self.calls).await {
            Ok(calls) => calls,
            Err(error) => return self.check("the call log is there", Err(error.into())),
        };
        let changing: Vec<_> = calls
            .iter()
            .filter(|call| call["mutates"] == true)
            .map(shown)
            .collect();
        let production = format!("{MODEL}-production");
        let looks = calls.iter().filter(|call| {
            call["op"] == "DescribeEndpoint" && call["request"]["EndpointName"] == *production
        });
        let looks = looks.count();
        let saw = format!(
            "{looks} looks, {} calls, changing: {changing:?}",
            calls.len()
        );
        self.check(
            format!("{passes} passes after the revert change nothing in AWS"),
            Ok((looks >= passes && changing.is_empty(), saw)),
        );
        let refs = refs(&self.origin).map(|refs| {
            let same = refs == self.refs;
            let moved = if same { "none moved" } else { "some moved" };
            (same, format!("{} branches, {moved}", refs.len()))
        });
        let refs = refs.map_err(Wrong::from);
        self.check(
            format!("{passes} passes after the revert commit nothing"),
            refs,
        );
    }

    async fn mark(&mut self) {
        match self.http.calls(self.calls).await {
            Ok(calls) => {
                self.calls = calls
                    .last()
                    .and_then(|call| call["seq"].as_u64())
                    .unwrap_or(self.calls)
            }
            Err(error) => self.check("the call log is there", Err(error.into())),
        }
        match refs(&self.origin) {
            Ok(refs) => self.refs = refs,
            Err(error) => self.check("the repository is there", Err(error.into())),
        }
    }

    /// Before somebody does damage.
    pub async fn before_damage(&mut self) {
        match self.schedule().await {
            Ok(schedule) => self.keep("schedule", &schedule["CreationTime"]),
            Err(wrong) => self.check("the schedule is there before it is deleted", Err(wrong)),
        }
        match self.endpoint("staging").await {
            Ok(endpoint) => self.keep("staging", &endpoint.config["EndpointConfigName"]),
            Err(wrong) => self.check("staging is there before it is moved", Err(wrong)),
        }
    }

    /// After the damage: the schedule is a new one, staging is where it was, and what somebody made
    /// by hand is left alone.
    pub async fn after_damage(&mut self, by_hand: &str) {
        let schedule = self.schedule().await.map(|schedule| {
            let (made, before) = (schedule["CreationTime"].to_string(), self.kept("schedule"));
            let status = &schedule["MonitoringScheduleStatus"];
            let ok = made != before && status == "Scheduled";
            (
                ok,
                format!("made at {made}, deleted one at {before}, {status}"),
            )
        });
        self.check("the deleted schedule is there again", schedule);
        let owned = match self.schedule().await {
            Ok(schedule) => {
                let arn = &schedule["MonitoringScheduleArn"];
                self.owned(arn, SCHEDULE, "production").await
            }
            Err(wrong) => Err(wrong),
        };
        self.check("the new schedule says who owns it", owned);
        let staging = self.endpoint("staging").await.map(|endpoint| {
            let now = endpoint.config["EndpointConfigName"]
                .as_str()
                .unwrap_or_default();
            let before = self.kept("staging");
            let status = &endpoint.described["EndpointStatus"];
            let ok = now == before && status == "InService";
            (ok, format!("on {now}, before {before}, {status}"))
        });
        self.check("staging is back on its endpoint config", staging);
        let body = json!({"EndpointConfigName": by_hand});
        let left = self.http.sagemaker("DescribeEndpointConfig", &body).await;
        let left = left.map(|config| (true, config["EndpointConfigName"].to_string()));
        self.check(
            "what was made by hand is left alone",
            left.map_err(Wrong::from),
        );
    }

    async fn schedule(&self) -> Result<Value, Wrong> {
        let body = json!({"MonitoringScheduleName": SCHEDULE});
        Ok(self
            .http
            .sagemaker("DescribeMonitoringSchedule", &body)
            .await?)
    }

    fn keep(&mut self, what: &'static str, value: &Value) {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.kept.insert(what, value);
    }

    fn kept(&self, what: &str) -> String {
        self.kept.get(what).cloned().unwrap_or_default()
    }
}
