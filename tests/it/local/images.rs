//! What runs in the place of an image: interpreters, virtual environments, entry points, R.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trueup::config::{Image, Mode};
use trueup::local::LocalOptions;

use super::archive::{tar_gz, untar};
use super::endpoints::{invoke_until, settled};
use super::processing::shell_job;
use super::{Local, ROLE, options};

const MINE: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/mine:1";

/// Serves at the port that it is told, with the standard library.
const SERVER: &str = r#"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body.upper() + open("/opt/ml/model/model.json").read().encode())
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"#;

/// The same in R's own words.
const R_SERVER: &str = r#"
port <- as.integer(Sys.getenv("SAGEMAKER_BIND_TO_PORT"))
door <- serverSocket(port)
repeat {
  connection <- socketAccept(door, blocking = TRUE, open = "r+b")
  length <- 0L
  repeat {
    line <- sub("\r$", "", readLines(connection, 1L))
    if (length(line) == 0L || line == "") break
    if (grepl("^content-length:", line, ignore.case = TRUE)) length <- as.integer(sub(".*: *", "", line))
  }
  body <- if (length > 0L) toupper(readChar(connection, length, useBytes = TRUE)) else ""
  writeChar(sprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
    nchar(body, "bytes"), body), connection, eos = NULL, useBytes = TRUE)
  close(connection)
}
"#;

fn row(pattern: &str) -> Image {
    Image {
        pattern: pattern.to_owned(),
        ..Image::default()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn started(images: Vec<Image>, path: Option<String>) -> Local {
    let options = options();
    Local::start(LocalOptions {
        images,
        path: path.unwrap_or_else(|| options.path.clone()),
        ..options
    })
    .await
}

fn write_program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A folder that looks like a virtual environment; its Python says whose it is.
fn venv(folder: &Path) -> PathBuf {
    let path = options().path;
    let python = format!("#!/bin/sh\nexport WHOSE=venv PATH='{path}'\nexec python3 \"$@\"\n");
    for name in ["python", "python3"] {
        write_program(&folder.join("bin").join(name), &python);
    }
    write_program(
        &folder.join("bin/train"),
        "#!/bin/sh\necho plain > /opt/ml/model/model.txt\n",
    );
    folder.to_owned()
}

/// Where `Rscript` is, if this machine has it.
fn rscript(path: &str) -> Option<PathBuf> {
    let folders = path.split(':').map(Path::new);
    folders
        .map(|folder| folder.join("Rscript"))
        .find(|file| file.is_file())
}

async fn processed(local: &Local, request: Value) -> Value {
    local
        .call("CreateProcessingJob", request.clone())
        .await
        .unwrap();
    let name = json!({"ProcessingJobName": request["ProcessingJobName"]});
    let ended = |found: &Value| found["ProcessingJobStatus"] != "InProgress";
    local.wait("DescribeProcessingJob", name, ended).await
}

async fn training(local: &Local, name: &str, extra: Value) -> Value {
    let mut request = json!({
        "AlgorithmSpecification": {"TrainingImage": MINE, "TrainingInputMode": "File"},
    });
    for (member, value) in extra.as_object().unwrap() {
        request[member] = value.clone();
    }
    local.train(name, request).await
}

async fn serve(local: &Local, name: &str) -> Value {
    let model = tar_gz(&[("model.json", "{}")]);
    local.put("mine/model.tar.gz", model).await;
    let container = json!({"Image": MINE, "ModelDataUrl": "s3://ml-data/mine/model.tar.gz"});
    let model = json!({"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container});
    local.call("CreateModel", model).await.unwrap();
    let config = json!({"EndpointConfigName": name, "ProductionVariants": [{
        "VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
    }]});
    local.call("CreateEndpointConfig", config).await.unwrap();
    let endpoint = json!({"EndpointName": name, "EndpointConfigName": name});
    local.call("CreateEndpoint", endpoint).await.unwrap();
    settled(local, name).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_says_what_runs_in_the_place_of_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let server = folder.path().join("server.py");
    fs::write(&server, SERVER).unwrap();
    let mine = Image {
        mode: Mode::Entrypoint,
        venv: Some(venv(folder.path()).to_str().unwrap().to_owned()),
        env: [("KEPT".to_owned(), "row".to_owned())].into(),
        serve: words(&["python3", server.to_str().unwrap()]),
        process: words(&["sh", "-c", "python3 -c \"$SAYS\""]),
        ..row("**/mine:*")
    };
    let refused = Image {
        refuse: Some("it needs a GPU".to_owned()),
        ..row("**/large:*")
    };
    let local = started(vec![mine, refused], None).await;

    let mut request = shell_job("own", "");
    request["AppSpecification"] = json!({"ImageUri": MINE});
    request["Environment"] = json!({"SAYS": "import os; open('/opt/ml/output/message', 'w')\
        .write(os.environ['WHOSE'] + ' ' + os.environ['KEPT'])"});
    let found = processed(&local, request.clone()).await;
    assert_eq!(found["ExitMessage"], "venv row", "{found}");
    request["ProcessingJobName"] = json!("overridden");
    request["Environment"]["KEPT"] = json!("request");
    let found = processed(&local, request.clone()).await;
    assert_eq!(found["ExitMessage"], "venv request", "{found}");
    request["ProcessingJobName"] = json!("refused");
    request["AppSpecification"] = json!({"ImageUri": MINE.replace("mine", "large")});
    let found = processed(&local, request).await;
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(reason.contains("it needs a GPU"), "{reason}");

    let found = training(&local, "plain", json!({})).await;
    assert_eq!(found["TrainingJobStatus"], "Completed", "{found}");
    let model = untar(&local.get("models/plain/output/model.tar.gz").await);
    assert_eq!(model["model.txt"], "plain\n");

    let found = serve(&local, "plain").await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");
    for _ in 0..2 {
        assert_eq!(invoke_until(&local, "plain", 200).await, "1,2\n{}");
    }
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_point_that_is_not_there_and_a_port_that_is_taken_are_told() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mine = Image {
        mode: Mode::Entrypoint,
        port: Some(taken.local_addr().unwrap().port()),
        serve: words(&["sh", "-c", "exit 3"]),
        ..row("**/mine:*")
    };
    let local = started(vec![mine], None).await;
    let found = training(&local, "absent", json!({})).await;
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(reason.contains("`train` is not on PATH"), "{reason}");
    let found = serve(&local, "taken").await;
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(reason.contains("in use"), "{reason}");
    local.handle.shutdown().await;
}

/// Script mode with a program of R, and what came of it.
async fn train_r(local: &Local, code: &str) -> Value {
    local
        .put("r/sourcedir.tar.gz", tar_gz(&[("train.R", code)]))
        .await;
    let parameters = json!({
        "sagemaker_program": "train.R", "epochs": "3",
        "sagemaker_submit_directory": "s3://ml-data/r/sourcedir.tar.gz",
    });
    training(local, "r", json!({"HyperParameters": parameters})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_of_r_are_read_by_its_interpreter() {
    // Without one, that is the reason.
    let local = started(Vec::new(), Some("/nowhere".to_owned())).await;
    let found = train_r(&local, "").await;
    let reason = found["FailureReason"].as_str().unwrap();
    assert!(reason.contains("`Rscript` is not on PATH"), "{reason}");
    local.handle.shutdown().await;

    // One that shows what it is given.
    let folder = tempfile::tempdir().unwrap();
    let stub = "#!/bin/sh\necho \"$@\" > \"$SM_MODEL_DIR/args\"\n";
    write_program(&folder.path().join("Rscript"), stub);
    let path = format!("{}:{}", folder.path().display(), options().path);
    let local = started(Vec::new(), Some(path)).await;
    let found = train_r(&local, "").await;
    assert_eq!(found["TrainingJobStatus"], "Completed", "{found}");
    let model = untar(&local.get("models/r/output/model.tar.gz").await);
    assert_eq!(model["args"], "train.R --epochs 3\n");
    local.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_itself_trains_processes_and_serves_where_it_is_installed() {
    let Some(found) = rscript(&options().path) else {
        // The test above has shown what happens then.
        assert!(rscript("/usr/local/bin:/usr/bin:/bin").is_none());
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = folder.path().join("server.R");
    fs::write(&server, R_SERVER).unwrap();
    let mine = Image {
        serve: words(&[server.to_str().unwrap()]),
        ..row("**/mine:*")
    };
    let serving = Image {
        mode: Mode::Entrypoint,
        ..mine.clone()
    };
    let local = started(vec![mine], None).await;
    let code = "args <- commandArgs(trailingOnly = TRUE)\n\
                out <- file.path(Sys.getenv('SM_MODEL_DIR'), 'model.txt')\n\
                writeLines(paste(args, collapse = ' '), out)\n";
    let trained = train_r(&local, code).await;
    assert_eq!(
        trained["TrainingJobStatus"], "Completed",
        "{trained} {found:?}"
    );
    let model = untar(&local.get("models/r/output/model.tar.gz").await);
    assert_eq!(model["model.txt"], "--epochs 3\n");

    let code = "writeLines('two rows', '/opt/ml/output/message')\n";
    local.put("code/run.R", code.as_bytes().to_vec()).await;
    for (name, entry) in [
        (
            "told",
            json!(["Rscript", "/opt/ml/processing/input/code/run.R"]),
        ),
        ("bare", json!(["/opt/ml/processing/input/code/run.R"])),
    ] {
        let mut request = shell_job(name, "");
        request["AppSpecification"]["ContainerEntrypoint"] = entry;
        request["ProcessingInputs"] = json!([{"InputName": "code", "S3Input": {
            "S3Uri": "s3://ml-data/code/run.R", "LocalPath": "/opt/ml/processing/input/code",
            "S3DataType": "S3Prefix", "S3InputMode": "File",
        }}]);
        let found = processed(&local, request).await;
        assert_eq!(found["ExitMessage"], "two rows", "{found}");
    }
    local.handle.shutdown().await;

    let local = started(vec![serving], None).await;
    let found = serve(&local, "r").await;
    assert_eq!(found["EndpointStatus"], "InService", "{found}");
    assert_eq!(invoke_until(&local, "r", 200).await, "1,2\n");
    local.handle.shutdown().await;
}
