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
use super::judge::{by_start, gated, in_order, last_part, package_named, running, step, text};
use super::summary::Check;

/// How far an answer may be from what was computed.
const TOLERANCE: f64 = 1e-9;
/// Who the example's resources belong to, before the environment.
const OWNER: &str = "example/mortgage";

/// What there is to see, and what was seen so far.
#[derive(Debug)]
pub struct Verifier {
    pub(super) http: Http,
    pub(super) origin: PathBuf,
    pub(super) checks: Vec<Check>,
    pub(super) runs: Vec<Run>,
    pub(super) kept: BTreeMap<&'static str, String>,
    pub(super) calls: u64,
    pub(super) refs: BTreeMap<String, String>,
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
pub(super) struct Endpoint {
    pub(super) described: Value,
    pub(super) config: Value,
    pub(super) model: Value,
}

/// Why something could not be seen.
pub(super) struct Wrong(pub(super) String);

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
pub(super) type Looked = Result<(bool, String), Wrong>;

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

    pub(super) fn check(&mut self, name: impl Into<String>, looked: Looked) {
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

    pub(super) async fn endpoint(&self, environment: &str) -> Result<Endpoint, Wrong> {
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

    pub(super) async fn owned(&self, arn: &Value, name: &str, place: &str) -> Looked {
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
}
