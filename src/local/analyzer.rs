//! The program of the analyzer's container: `trueup __analyze`.
//!
//! It is told what to do by its environment, as the container is, and says in a file what came of
//! it. The server starts it in the place of the image.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::archive::{self, ArchiveError};
use crate::analyze::contract::{Contract, ContractError, message};
use crate::analyze::{Analysis, AnalyzeError, Baseline, analyze};
use crate::limits::ANALYZED_BASELINE_BYTES_MAX;

/// Why there is no analysis.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Contract(#[from] ContractError),
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("cannot {doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{0} is not a file of a baseline")]
    Baseline(PathBuf, #[source] serde_json::Error),
    #[error("{0} has more than {ANALYZED_BASELINE_BYTES_MAX} bytes")]
    Large(PathBuf),
}

/// Analyzes what `environment` names, and writes what it asks for. `root` stands for `/opt/ml`.
pub fn main(environment: &BTreeMap<String, String>, root: &Path) -> ExitCode {
    let (words, code) = match run(environment, root) {
        Ok(words) => (words, ExitCode::SUCCESS),
        Err(failure) => (format!("Error: {}", chain(&failure)), ExitCode::FAILURE),
    };
    let message = root.join("output/message");
    match write(&message, words.as_bytes()) {
        Ok(()) => code,
        // The exit code says it then.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(environment: &BTreeMap<String, String>, root: &Path) -> Result<String, Failure> {
    let contract = Contract::of(environment)?;
    let baseline = baseline(&contract)?;
    let files = files(Path::new(&contract.source))?;
    let files = files.into_iter().map(File::open);
    let analysis = analyze(&contract.format, files, baseline.as_ref())?;
    write_results(&contract, &analysis, root)?;
    Ok(message(analysis.violations.as_ref()))
}

/// The files of the dataset, in the order of their names: those of captured data are times.
fn files(source: &Path) -> Result<Vec<PathBuf>, Failure> {
    let source = source.canonicalize().map_err(failed("open", source))?;
    if source.is_file() {
        return Ok(vec![source]);
    }
    let files = archive::files_below(&source)?;
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn baseline(contract: &Contract) -> Result<Option<Baseline>, Failure> {
    let Some(constraints) = &contract.constraints else {
        return Ok(None);
    };
    let statistics = contract.statistics.as_ref();
    Ok(Some(Baseline {
        constraints: read(Path::new(constraints))?,
        statistics: statistics.map(|path| read(Path::new(path))).transpose()?,
    }))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed("open", path))?;
    let read = file
        .take(ANALYZED_BASELINE_BYTES_MAX + 1)
        .read_to_end(&mut bytes);
    let read = read.map_err(failed("read", path))?;
    if u64::try_from(read).is_ok_and(|read| read > ANALYZED_BASELINE_BYTES_MAX) {
        return Err(Failure::Large(path.to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| Failure::Baseline(path.to_owned(), error))
}

fn write_results(contract: &Contract, analysis: &Analysis, root: &Path) -> Result<(), Failure> {
    let output = Path::new(&contract.output);
    write_json(&output.join("statistics.json"), &analysis.statistics)?;
    write_json(&output.join("constraints.json"), &analysis.constraints)?;
    if let Some(violations) = &analysis.violations {
        write_json(&output.join("constraint_violations.json"), violations)?;
    }
    if contract.publishes {
        let lines = analysis.metrics.iter();
        let lines = lines.filter_map(|metric| Some(format!("{}\n", metric.line(&contract.about)?)));
        let lines: String = lines.collect();
        write(&root.join("output/metrics/cloudwatch"), lines.as_bytes())?;
    }
    Ok(())
}

fn write_json(path: &Path, content: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(content);
    let text = text
        .map_err(io::Error::from)
        .map_err(failed("write", path))?;
    write(path, &text)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    fs::write(path, bytes).map_err(failed("write", path))
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Failure + 'a {
    move |source| Failure::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// A failure and what caused it, in one line.
fn chain(failure: &Failure) -> String {
    let mut words = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a dataset, and the environment that asks for its analysis.
    fn asked(folder: &Path, rows: &str) -> BTreeMap<String, String> {
        let text = |path: &str| folder.join(path).to_string_lossy().into_owned();
        fs::create_dir_all(folder.join("in/2026")).unwrap();
        fs::write(folder.join("in/2026/a.csv"), rows).unwrap();
        let pairs = [
            ("dataset_format", r#"{"csv":{"header":true}}"#.to_owned()),
            ("dataset_source", text("in")),
            ("output_path", text("out")),
            ("publish_cloudwatch_metrics", "Enabled".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn said(folder: &Path) -> String {
        fs::read_to_string(folder.join("output/message")).unwrap()
    }

    #[test]
    fn what_is_written_is_a_baseline_for_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut environment = asked(folder, "a,b\n1,x\n2,x\n");
        assert_eq!(main(&environment, folder), ExitCode::SUCCESS);
        assert!(said(folder).starts_with("Completed: "), "{}", said(folder));
        assert!(!folder.join("out/constraint_violations.json").exists());
        let metrics = fs::read_to_string(folder.join("output/metrics/cloudwatch")).unwrap();
        assert_eq!(metrics.lines().count(), 3);

        for (name, file) in [
            ("baseline_constraints", "constraints.json"),
            ("baseline_statistics", "statistics.json"),
        ] {
            fs::copy(folder.join("out").join(file), folder.join(file)).unwrap();
            let path = folder.join(file).to_string_lossy().into_owned();
            environment.insert(name.to_owned(), path);
        }
        fs::write(folder.join("in/2026/a.csv"), "a,b\n1,x\n0.5,\n").unwrap();
        assert_eq!(main(&environment, folder), ExitCode::SUCCESS);
        let expected = "CompletedWithViolations: Job completed successfully with 2 violations.";
        assert_eq!(said(folder), expected);
        let violations = fs::read_to_string(folder.join("out/constraint_violations.json"));
        assert!(violations.unwrap().contains("completeness_check"));

        fs::write(folder.join("constraints.json"), "{}").unwrap();
        assert_eq!(main(&environment, folder), ExitCode::FAILURE);
        assert!(said(folder).contains("is not a file of a baseline: missing field"));
        let large = File::create(folder.join("constraints.json")).unwrap();
        large.set_len(ANALYZED_BASELINE_BYTES_MAX + 1).unwrap();
        assert_eq!(main(&environment, folder), ExitCode::FAILURE);
        assert!(said(folder).contains("has more than"), "{}", said(folder));
    }

    #[test]
    fn what_cannot_be_analyzed_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut environment = asked(folder, "a,b\n");
        assert_eq!(main(&environment, folder), ExitCode::FAILURE);
        assert!(said(folder).contains("no rows"), "{}", said(folder));
        environment.insert("dataset_source".to_owned(), "/nowhere/at/all".to_owned());
        assert_eq!(main(&environment, folder), ExitCode::FAILURE);
        assert!(
            said(folder).contains("cannot open /nowhere/at/all: "),
            "{}",
            said(folder)
        );
    }
}
