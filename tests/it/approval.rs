//! Plans in files: approved, then done to the letter or not at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use trueup::demo::example;
use trueup::demo::http::Http;

use super::support::repository::TempRepository;

/// A local SageMaker beside the example's repository.
struct Place {
    local: Child,
    url: String,
    http: Http,
    repository: TempRepository,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.local.kill().unwrap();
        self.local.wait().unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn trueup(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null());
    command
}

impl Place {
    fn new() -> Self {
        let repository = TempRepository::bare();
        let text = |file: &example::File| std::str::from_utf8(file.bytes).unwrap();
        let files = example::FILES.iter();
        let files: Vec<_> = files.map(|file| (file.path, Some(text(file)))).collect();
        repository.commit("main", &files);
        let mut local = trueup(repository.root())
            .args(["local", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = local.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["url"].as_str().unwrap().to_owned();
        Self {
            local,
            http: Http::new(&url),
            url,
            repository,
        }
    }

    /// Runs a command: its exit code has to be `code`; what it said on both streams.
    fn check(&self, arguments: &[&str], code: i32) -> (String, String) {
        let output = trueup(self.repository.root())
            .args(arguments)
            .args(["--endpoint-url", &self.url])
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        let said = output.status.code();
        assert_eq!(said, Some(code), "{arguments:?}\n{out}\n{err}");
        (out, err)
    }

    /// Plans to a file in the repository's folder; the file's content.
    fn plan(&self, file: &str) -> Value {
        let source = self.repository.path();
        let (_, err) = self.check(&["plan", "--source", &source, "--out", file], 0);
        assert!(err.contains(&format!("written to {file}")), "{err}");
        let text = std::fs::read_to_string(self.repository.root().join(file)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Whether the model's pipeline exists.
    async fn has_pipeline(&self) -> bool {
        let name = json!({"PipelineName": example::MODEL});
        self.http.sagemaker("DescribePipeline", &name).await.is_ok()
    }
}

#[tokio::test]
async fn what_was_approved_is_done_once() {
    let place = Place::new();
    let plan = place.plan("plan.json");
    assert_eq!(plan["schema"], "trueup/plan-file.v1");
    assert_eq!(plan["commit"].as_str().map(str::len), Some(40));
    let steps = plan["units"][0]["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .any(|step| step["does"]["call"] == "CreatePipeline")
    );
    assert!(!place.has_pipeline().await, "a plan changes nothing");
    let (out, err) = place.check(&["apply", "plan.json"], 0);
    assert!(out.ends_with("applied\n"), "{out}");
    assert!(err.contains("`trueup plan` shows what comes next"), "{err}");
    assert!(place.has_pipeline().await);
    let (out, err) = place.check(&["apply", "plan.json"], 1);
    assert!(out.ends_with("held\n"), "{out}");
    let words = "was approved and is not planned any more";
    assert!(err.contains(words), "{err}");
}

#[tokio::test]
async fn a_plan_for_another_commit_is_refused() {
    let place = Place::new();
    place.plan("plan.json");
    place
        .repository
        .commit("main", &[("README.md", Some("more"))]);
    let (_, err) = place.check(&["apply", "plan.json"], 1);
    assert!(
        err.contains("error[BranchMoved]: `main` has moved"),
        "{err}"
    );
    assert!(err.contains("plan again"), "{err}");
    assert!(!place.has_pipeline().await);
}

#[tokio::test]
async fn nothing_is_done_where_aws_is_not_as_it_was() {
    let place = Place::new();
    place.plan("plan.json");
    let by_hand = json!({"ModelPackageGroupName": example::MODEL});
    let made = place.http.sagemaker("CreateModelPackageGroup", &by_hand);
    made.await.unwrap();
    let (out, err) = place.check(&["apply", "plan.json", "-o", "json"], 1);
    assert!(err.contains("not done: mortgage/home: step "), "{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["result"], "held");
    assert!(!place.has_pipeline().await);
}

#[tokio::test]
async fn what_is_no_plan_is_not_applied() {
    let place = Place::new();
    let file = place.repository.root().join("plan.json");
    let mut plan = place.plan("plan.json");
    plan["units"][0]["steps"][0]["does"]["body"]["Bucket"] = "elsewhere".into();
    for text in [plan.to_string(), "{}".to_owned(), "nonsense".to_owned()] {
        std::fs::write(&file, text).unwrap();
        let (_, err) = place.check(&["apply", "plan.json"], 2);
        assert!(err.contains("is no plan that can be applied"), "{err}");
    }
    place.check(&["apply", "nowhere.json"], 2);
    place.check(&["apply", "plan.json", "--once"], 2);
    assert!(!place.has_pipeline().await);
}

#[tokio::test]
async fn looks_tell_what_is_and_why() {
    let place = Place::new();
    let source = place.repository.path();
    let look = |arguments: &[&str], code| {
        let source = ["--source", &source];
        place.check(&[arguments, &source].concat(), code).0
    };
    let commit = place.plan("plan.json")["commit"]
        .as_str()
        .unwrap()
        .to_owned();
    let out = look(&["why", "mortgage"], 0);
    assert!(out.contains("StepsPlanned: plan: "), "{out}");
    assert!(out.contains("by CreatePipeline: "), "{out}");
    let out = look(&["why", "mortgage", "-e", "production", "-o", "json"], 0);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["units"][0]["notes"][0]["reason"], "NoRelease");
    let out = look(&["diff", "--live"], 1);
    assert!(
        out.contains("mortgage/home Pipeline mortgage\n  absent\n"),
        "{out}"
    );
    look(&["trace", &commit], 1);

    place.check(&["apply", "plan.json"], 0);
    let out = look(&["tree", "mortgage"], 0);
    let line = format!("Pipeline mortgage  ready  {}", &commit[..8]);
    assert!(out.contains(&line), "{out}");
    look(&["diff", "--live"], 0);
    let out = look(&["trace", &commit[..12]], 0);
    assert!(out.starts_with("run ") && out.contains(&line), "{out}");
    let (out, _) = place.check(&["explain", "waitingforrun"], 0);
    assert!(out.starts_with("# WaitingForRun: "), "{out}");
    let (_, err) = place.check(&["explain", "WaitingForRum"], 2);
    assert!(err.contains("did you mean `WaitingForRun`?"), "{err}");
}
