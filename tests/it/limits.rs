//! Every limit is named where something is tested: a number that no test knows can be changed to any other.

use super::code::{Source, read_all, sources, words};

/// Limits that no test names: what crosses them does so with a number of its own, or not at all. The list
/// may only become shorter.
const UNNAMED: &[&str] = &[
    "ARCHIVE_BYTES_MAX",
    "ARCHIVE_ENTRIES_MAX",
    "BLOB_CACHE_BYTES_MAX",
    "BRANCHES_MAX",
    "CALL_DEADLINE",
    "CALL_LOG_BODY_BYTES_MAX",
    "CAPTURE_BATCH_MAX",
    "CHANGES_PER_SECOND",
    "CHANNEL_OBJECTS_MAX",
    "COLLECTION_MAX",
    "CONNECT_DEADLINE",
    "ENDPOINT_DEADLINE",
    "FETCH_BYTES_MAX",
    "FIX_ROUNDS_MAX",
    "FLAP_WINDOW",
    "FLEET_RESTARTS_MAX",
    "FLEET_START_DEADLINE",
    "HOOK_CONNECTIONS_MAX",
    "HOOK_CONNECTION_PERIOD_MAX",
    "HOOK_PERIOD_MAX",
    "HYPERPARAMETERS_MAX",
    "HYPERPARAMETER_CHARS_MAX",
    "INVOKE_DEADLINE",
    "JOB_LOG_BYTES_MAX",
    "JOB_SPEC_BYTES_MAX",
    "JOB_STOP_GRACE",
    "KEPT_PERIOD",
    "LEASE_CALL_DEADLINE",
    "LEASE_HEADS_MAX",
    "LEASE_MARGIN",
    "LEASE_RENEW",
    "LEASE_TERM",
    "LOCAL_JOBS_MAX",
    "LOCAL_OBJECT_BYTES_MAX",
    "LOOKS_PER_SECOND",
    "MODELS_MAX",
    "NEWEST_PAGES_MAX",
    "NEWS_OF_ONE_MAX",
    "OBSERVE_ROUNDS_MAX",
    "ORPHANS_PERIOD",
    "OVERRIDE_MARGIN",
    "PASTS_MAX",
    "PATH_BYTES_MAX",
    "PIPELINE_STEPS_MAX",
    "PLAN_FILE_BYTES_MAX",
    "PLAN_STEPS_MAX",
    "QUOTA_PAGES_MAX",
    "READY_MAX",
    "REMOVED_MIN",
    "REMOVED_PERCENT",
    "REVIEW_COMMITS_MAX",
    "ROLLBACK_ALARMS_MAX",
    "RUN_ATTEMPTS_MAX",
    "RUN_DEADLINE",
    "SEARCH_MARGIN",
    "SERVERLESS_IDLE",
    "SNAPSHOT_BYTES_MAX",
    "SNAPSHOT_DEPTH_MAX",
    "SNAPSHOT_ENTRIES_MAX",
    "SNAPSHOT_FILE_BYTES_MAX",
    "SURVEY_NAMES_MAX",
    "SWEEP_LISTED_MIN",
    "SWEEP_PAGES_MAX",
    "TAGS_MAX",
    "TAG_NAME_MAX",
    "TRANSFORM_ANSWER_BYTES_MAX",
    "TURNS_PERCENT",
    "UNCONFIRMED_PERCENT",
    "UPDATE_ATTEMPTS_MAX",
    "UPLOADS_MAX",
    "UPLOAD_PARTS_MAX",
    "VARIANTS_MAX",
    "WATCH_QUIET",
];

#[test]
fn every_limit_is_named_by_a_test() {
    let files = sources();
    let limits = files.iter().find(|file| file.path == "src/limits.rs");
    let names = constants(&limits.expect("there are limits").whole);
    assert!(names.contains(&"YAML_BYTES_MAX".to_owned()), "{names:?}");
    let tests = read_all("tests", "rs");
    let tests = tests
        .into_iter()
        .filter(|(path, _)| !path.ends_with("it/limits.rs"));
    let tests: Vec<_> = tests.map(|(path, text)| Source::new(path, &text)).collect();
    let named = |name: &str| {
        let in_tests = tests.iter().any(|file| count(&file.whole, name) > 0);
        // What a file holds beyond its code is its tests.
        in_tests
            || files
                .iter()
                .any(|file| count(&file.whole, name) > count(&file.code, name))
    };
    let unnamed: Vec<_> = names.iter().filter(|name| !named(name)).collect();
    let new: Vec<_> = unnamed
        .iter()
        .filter(|name| !UNNAMED.contains(&name.as_str()))
        .collect();
    assert!(new.is_empty(), "no test names {new:?}");
    let stale: Vec<_> = UNNAMED
        .iter()
        .filter(|name| !unnamed.iter().any(|one| one == *name))
        .collect();
    assert!(
        stale.is_empty(),
        "UNNAMED lists what is named, or gone: {stale:?}"
    );
}

/// The names of the constants of a file.
fn constants(code: &str) -> Vec<String> {
    let lines = code
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "));
    let names = lines.filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn count(code: &str, name: &str) -> usize {
    words(code).filter(|(_, word)| *word == name).count()
}

#[test]
fn what_is_code_is_no_test() {
    let text = "use A_MAX;\n#[cfg(test)]\nmod tests {\n    use B_MAX;\n}\n";
    let source = Source::new("src/x.rs".to_owned(), text);
    for (name, in_test) in [("A_MAX", false), ("B_MAX", true)] {
        let more = count(&source.whole, name) > count(&source.code, name);
        assert_eq!(more, in_test, "{name}");
    }
    assert_eq!(constants("pub const A: u8 = 1;\nconst B: u8 = 2;\n"), ["A"]);
}
