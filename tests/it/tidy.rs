//! The rules of the house that a compiler does not know. Each is shown to fail on a bad sample.
//!
//! Comments, strings and test modules are not code here: what they name, they do not use.

use super::code::{Source, children, read_all, sources, words};

/// The rooms from the top down, and what each may use besides itself. A new room needs a row, a new
/// use a word: both are decisions, so both are written here.
const ROOMS: &[(&str, &str)] = &[
    // words
    ("limits", ""),
    ("facts", ""),
    ("clock", ""),
    ("pin", ""),
    ("release", ""),
    ("snapshot", "clock"),
    ("resource", "clock facts limits snapshot"),
    ("signing", "clock limits"),
    // reading
    ("diagnostic", "limits snapshot"),
    (
        "config",
        "clock diagnostic facts limits pin release resource signing snapshot",
    ),
    // deciding; `compile` takes from `plan` what a released artefact must answer, see UPWARDS
    (
        "compile",
        "clock config facts limits pin plan release resource snapshot",
    ),
    (
        "plan",
        "clock compile config facts limits pin release resource snapshot",
    ),
    ("analyze", "limits"),
    // doing
    ("cloud", "clock resource"),
    (
        "execute",
        "clock cloud compile config diagnostic limits pin plan release resource snapshot",
    ),
    ("world", "clock facts limits resource"),
    // edges
    ("aws", "clock cloud limits resource"),
    ("git", "clock limits signing snapshot"),
    ("local", "analyze clock config facts limits resource world"),
    ("web", "limits"),
    // shells
    (
        "reconcile",
        "aws clock cloud compile config diagnostic execute git limits plan release resource \
         signing snapshot",
    ),
    (
        "daemon",
        "aws clock execute git limits plan reconcile resource snapshot",
    ),
    (
        "demo",
        "aws clock cloud compile config daemon diagnostic execute facts git limits local pin plan \
         reconcile release resource snapshot world",
    ),
    (
        "cli",
        "aws clock cloud compile config daemon demo diagnostic execute facts git limits local pin \
         plan reconcile release resource signing snapshot web world",
    ),
];

/// Uses that go up the table, each for one thing.
const UPWARDS: &[(&str, &str)] = &[("compile", "plan")];

/// Rooms that talk to the outside. None may name another.
const EDGES: &[&str] = &["aws", "git", "local", "web"];

/// The last of the rooms without I/O; those above it in the table have none either.
const LAST_PURE: &str = "world";

/// What a pure room may not name: modules of `std`, and words.
const IMPURE_MODULES: &[&str] = &["env", "fs", "net", "os", "process", "thread"];
const IMPURE_WORDS: &[&str] = &[
    "tokio",
    "SystemTime",
    "Instant",
    "git2",
    "hyper",
    "axum",
    "notify",
];

/// Crates that only `aws` may name.
const AWS_CRATES: &[&str] = &["aws_sdk_", "aws_config"];

/// Where people's files are read into types. `flatten` and `untagged` would turn an exact finding
/// into "did not match any variant".
const INPUT_TYPES: &[&str] = &["src/config/", "src/pin.rs", "src/release.rs"];

/// Who shares state behind a lock, and why. Everything else is owned by one task or passed on.
const LOCKS: &[(&str, &str)] = &[
    (
        "src/clock.rs",
        "a manual clock is moved by the test and read by its subject",
    ),
    (
        "src/reconcile/lease/mod.rs",
        "sources of one installation act under one lease",
    ),
    (
        "src/reconcile/model.rs",
        "models run beside each other over one mirror, and remember what they read",
    ),
    (
        "src/daemon/host.rs",
        "the sources of one Git host share what it bears",
    ),
    (
        "src/aws/budget.rs",
        "everything that calls waits in the same queues",
    ),
    (
        "src/aws/clients.rs",
        "clients are made when a region is first used",
    ),
    (
        "src/aws/exchange.rs",
        "an interceptor hands its findings back through shared state",
    ),
    (
        "src/aws/keys.rs",
        "conversations with several repositories use one identity",
    ),
    (
        "src/git/login.rs",
        "a conversation's thread asks, and who reports its end redacts",
    ),
    (
        "src/git/talk.rs",
        "the threads of all conversations count those that a host left without an answer",
    ),
    (
        "src/local/calls.rs",
        "requests on many connections write one record",
    ),
    (
        "src/local/capture.rs",
        "requests on many connections wait for one file",
    ),
    (
        "src/local/engine.rs",
        "the world is one state machine behind many connections",
    ),
    (
        "src/local/fleet/ways.rs",
        "the router looks up what the engine brings up, and who takes it down waits for who uses it",
    ),
    (
        "src/local/asynchronous.rs",
        "invocations of one endpoint wait for the same turns",
    ),
    (
        "src/local/logs.rs",
        "jobs begin and end while what they say is read",
    ),
    (
        "src/local/measures.rs",
        "requests on many connections are measured together",
    ),
    (
        "src/local/s3/upload.rs",
        "parts of one upload come on many connections",
    ),
    (
        "src/web/hooks.rs",
        "doors are opened and closed while hooks come in",
    ),
    (
        "src/local/supervise.rs",
        "two pipes of one child end in one log",
    ),
];

#[test]
fn a_room_uses_only_the_rooms_that_its_row_names() {
    clean(&directions(&sources()));
    let bad = "use crate::cli::Command;\n";
    caught(
        directions,
        "src/plan/y.rs",
        bad,
        "src/plan/y.rs:1: `plan` may not use `cli`",
    );
    let bad =
        "fn f() {}\nuse crate::{\n    clock::Clock,\n    resource::{kind, call},\n    git,\n};\n";
    caught(
        directions,
        "src/config/y.rs",
        bad,
        "src/config/y.rs:2: `config` may not use `git`",
    );
    caught(
        directions,
        "src/git/y.rs",
        "use super::super::aws::Aws;\n",
        "src/git/y.rs:1: `super` leaves the room `git`: write `crate::`",
    );
    caught(
        directions,
        "src/attic/y.rs",
        "",
        "src/attic/y.rs:1: `attic` has no row in ROOMS",
    );
    passes(
        directions,
        "src/plan/y.rs",
        "// crate::cli\nconst A: &str = \"crate::cli\";\n",
    );
    passes(
        directions,
        "src/plan/y.rs",
        "#[cfg(test)]\nmod tests {\n    use crate::cli;\n}\n",
    );
}

#[test]
fn the_table_goes_downwards_and_edges_do_not_meet() {
    clean(&table(ROOMS));
    let found = table(&[("a", "b"), ("b", "a"), ("git", ""), ("aws", "git")]);
    assert_eq!(
        found,
        [
            "`a` uses `b`, which is not above it",
            "`aws` and `git` are both edges"
        ]
    );
}

#[test]
fn rooms_down_to_the_world_have_no_input_and_no_output() {
    clean(&purity(&sources()));
    let check = |text, what| {
        let expect = format!("src/world/y.rs:1: `world` is pure: no `{what}`");
        caught(purity, "src/world/y.rs", text, &expect);
    };
    check("use std::fs;", "std::fs");
    check("use std::{collections::BTreeMap, fs::File};", "std::fs");
    check("fn now() { std::time::SystemTime::now(); }", "SystemTime");
    check("use std::time::{Duration, Instant};", "Instant");
    check("async fn f() { tokio::task::yield_now().await }", "tokio");
    check("fn f() { jiff::Timestamp::now(); }", "Timestamp::now");
    passes(purity, "src/git/y.rs", "use std::fs;");
    passes(
        purity,
        "src/world/y.rs",
        "#[cfg(test)]\nmod tests { use std::fs; }",
    );
}

#[test]
fn only_aws_names_the_sdk() {
    clean(&sdk(&sources()));
    let expect = "src/local/y.rs:2: only `aws` may name `aws_sdk_s3`";
    caught(sdk, "src/local/y.rs", "\nuse aws_sdk_s3::Client;\n", expect);
    passes(sdk, "src/aws/y.rs", "use aws_sdk_s3::Client;");
}

#[test]
fn input_types_are_read_exactly() {
    clean(&input_types(&sources()));
    let bad = "#[serde(\n    default, flatten)]\nrest: Rest,";
    caught(
        input_types,
        "src/config/y.rs",
        bad,
        "src/config/y.rs:1: `serde(flatten)` on an input type",
    );
    caught(
        input_types,
        "src/pin.rs",
        "#[serde(untagged)]",
        "src/pin.rs:1: `serde(untagged)` on an input type",
    );
    passes(input_types, "src/config/y.rs", "#[serde(default)]");
}

#[test]
fn tasks_have_owners_and_locks_have_reasons() {
    clean(&shared_state(&sources()));
    let spawn = "src/daemon/y.rs:1: `tokio::spawn` loses its task: use a `JoinSet`";
    caught(
        shared_state,
        "src/daemon/y.rs",
        "fn f() { tokio::spawn(g()); }",
        spawn,
    );
    caught(
        shared_state,
        "src/daemon/y.rs",
        "use tokio::{spawn, sync};",
        spawn,
    );
    let lock = "src/daemon/y.rs:1: `Mutex` is not listed in LOCKS";
    caught(
        shared_state,
        "src/daemon/y.rs",
        "struct A(std::sync::Mutex<u8>);",
        lock,
    );
    passes(
        shared_state,
        "src/clock.rs",
        "struct A(std::sync::Mutex<u8>);",
    );
    let files = sources();
    let gone = LOCKS
        .iter()
        .find(|(path, _)| !files.iter().any(|file| file.path == *path));
    assert_eq!(gone, None, "LOCKS lists a file that is gone");
}

#[test]
fn nothing_is_left_undone() {
    let mut files = sources();
    files.extend(
        read_all("tests", "rs")
            .into_iter()
            .map(|(path, text)| Source::new(path, &text)),
    );
    clean(&undone(&files));
    for word in ["todo", "unimplemented", "dbg"] {
        let expect = format!("src/plan/y.rs:1: `{word}!` is left in the code");
        caught(
            undone,
            "src/plan/y.rs",
            &format!("fn f() {{ {word}!(); }}"),
            &expect,
        );
    }
    passes(undone, "src/plan/y.rs", "// todo!()\nfn todo() {}");
}

#[test]
fn figures() {
    let mut lines: Vec<(usize, String)> = sources()
        .into_iter()
        .map(|file| (file.lines, file.path))
        .collect();
    lines.sort();
    let at = |percent: usize| lines[(lines.len() - 1) * percent / 100].0;
    let (longest, path) = lines.last().expect("there are sources");
    println!(
        "{} files of src: median {}, p90 {}, longest {longest} lines ({path})",
        lines.len(),
        at(50),
        at(90),
    );
}

fn directions(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Some(room) = file.room() else { continue };
        let Some((_, may_use)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            found.push(file.finding(0, &format!("`{room}` has no row in ROOMS")));
            continue;
        };
        for (at, used) in children(&file.code, "crate") {
            if used != room
                && used.starts_with(char::is_lowercase)
                && !may_use.split(' ').any(|one| one == used)
            {
                found.push(file.finding(at, &format!("`{room}` may not use `{used}`")));
            }
        }
        let ladder = "super::".repeat(file.depth());
        if let Some(at) = file.code.find(&ladder) {
            found.push(file.finding(
                at,
                &format!("`super` leaves the room `{room}`: write `crate::`"),
            ));
        }
    }
    found
}

fn table(rooms: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, (room, may_use)) in rooms.iter().enumerate() {
        for used in may_use.split_whitespace() {
            let above = rooms[..place].iter().any(|(name, _)| *name == used);
            if !above && !UPWARDS.contains(&(*room, used)) {
                found.push(format!("`{room}` uses `{used}`, which is not above it"));
            }
            if EDGES.contains(room) && EDGES.contains(&used) {
                found.push(format!("`{room}` and `{used}` are both edges"));
            }
        }
    }
    found
}

fn purity(files: &[Source]) -> Vec<String> {
    let last = ROOMS
        .iter()
        .position(|(room, _)| *room == LAST_PURE)
        .expect("it is in the table");
    let mut found = Vec::new();
    for file in files {
        let pure = |room: &&str| ROOMS[..=last].iter().any(|(name, _)| name == room);
        let Some(room) = file.room().filter(pure) else {
            continue;
        };
        let modules = children(&file.code, "std")
            .into_iter()
            .filter(|(_, module)| IMPURE_MODULES.contains(module))
            .map(|(at, module)| (at, format!("std::{module}")));
        let words = words(&file.code)
            .filter(|(_, word)| IMPURE_WORDS.contains(word))
            .map(|(at, word)| (at, word.to_owned()));
        let now = file
            .code
            .match_indices("Timestamp::now")
            .filter(|_| room != "clock");
        let now = now.map(|(at, text)| (at, text.to_owned()));
        for (at, what) in modules.chain(words).chain(now) {
            found.push(file.finding(at, &format!("`{room}` is pure: no `{what}`")));
        }
    }
    found
}

fn sdk(files: &[Source]) -> Vec<String> {
    let outside = files.iter().filter(|file| file.room() != Some("aws"));
    outside
        .flat_map(|file| {
            words(&file.code)
                .filter(|(_, word)| AWS_CRATES.iter().any(|name| word.starts_with(name)))
                .map(|(at, word)| file.finding(at, &format!("only `aws` may name `{word}`")))
        })
        .collect()
}

fn input_types(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| INPUT_TYPES.iter().any(|path| file.path.starts_with(path)))
    {
        for (at, _) in file.code.match_indices("serde(") {
            let attribute = file.code[at..].split(']').next().unwrap_or_default();
            for (_, word) in
                words(attribute).filter(|(_, word)| ["flatten", "untagged"].contains(word))
            {
                found.push(file.finding(at, &format!("`serde({word})` on an input type")));
            }
        }
    }
    found
}

fn shared_state(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let spawns = children(&file.code, "tokio")
            .into_iter()
            .filter(|(_, name)| *name == "spawn");
        for (at, _) in spawns {
            found.push(file.finding(at, "`tokio::spawn` loses its task: use a `JoinSet`"));
        }
        let listed = LOCKS.iter().any(|(path, _)| *path == file.path);
        for (at, word) in words(&file.code).filter(|_| !listed) {
            if ["Mutex", "RwLock"].contains(&word) && file.code[at + word.len()..].starts_with('<')
            {
                found.push(file.finding(at, &format!("`{word}` is not listed in LOCKS")));
            }
        }
    }
    found
}

fn undone(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (at, word) in words(&file.whole) {
            if ["todo", "unimplemented", "dbg"].contains(&word)
                && file.whole[at + word.len()..].starts_with('!')
            {
                found.push(file.finding(at, &format!("`{word}!` is left in the code")));
            }
        }
    }
    found
}

fn clean(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

fn caught(rule: fn(&[Source]) -> Vec<String>, path: &str, text: &str, expect: &str) {
    assert_eq!(rule(&[Source::new(path.to_owned(), text)]), [expect]);
}

fn passes(rule: fn(&[Source]) -> Vec<String>, path: &str, text: &str) {
    clean(&rule(&[Source::new(path.to_owned(), text)]));
}
