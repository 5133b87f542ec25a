//! A person with a clone, who knows Git and nothing of trueup.
#![expect(
    clippy::disallowed_methods,
    reason = "people use the real `git`, which is a process"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use trueup::demo::example;
pub(super) use trueup::demo::example::Edit;

/// How often a push is tried again when somebody else was faster.
const PUSHES_MAX: usize = 100;

/// A person and their clone of the origin.
pub(crate) struct Person {
    clone: PathBuf,
}

impl Person {
    /// Makes a repository with the example in it, below `folder`, and pushes it to an empty origin.
    pub(crate) fn found(folder: &Path, url: &str) -> Self {
        let person = Self {
            clone: folder.join("clone"),
        };
        fs::create_dir(&person.clone).unwrap();
        example::write(&person.clone).unwrap();
        person.git(&["init", "--quiet", "--initial-branch=main"]);
        person.git(&["remote", "add", "origin", url]);
        person.commit_all("Add the example");
        person.git(&["push", "--quiet", "origin", "main"]);
        person
    }

    /// Somebody else with a clone of the same origin, beside this one.
    pub(super) fn another(&self, number: usize) -> Self {
        let name = format!("clone-{number}");
        let clone = self.clone.with_file_name(&name);
        let origin = self.git(&["remote", "get-url", "origin"]);
        self.git(&["clone", "--quiet", &origin, clone.to_str().unwrap()]);
        Self { clone }
    }

    /// Whether a commit is part of main.
    pub(super) fn main_holds(&self, commit: &str) -> bool {
        self.fetch();
        let is_there = ["merge-base", "--is-ancestor", commit, "origin/main"];
        self.try_git(&is_there).is_ok()
    }

    /// Edits files, commits and pushes; the commit.
    pub(super) fn change(&self, message: &str, edits: &[Edit]) -> String {
        self.push(|| {
            for (path, from, to) in edits {
                let path = self.clone.join(path);
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.contains(from), "{} has no {from:?}", path.display());
                fs::write(path, text.replacen(from, to, 1)).unwrap();
            }
            self.commit_all(message);
        })
    }

    /// Makes one commit for each of `commits`, which write files, and pushes them together; the
    /// last of them.
    pub(super) fn write(&self, commits: &[Vec<(String, String)>]) -> String {
        self.push(|| {
            for files in commits {
                for (path, text) in files {
                    let path = self.clone.join(path);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, text).unwrap();
                }
                self.commit_all(&format!("Write {}", files[0].0));
            }
        })
    }

    /// Reverts a commit, or what a merge brought; the revert.
    pub(super) fn revert(&self, commit: &str) -> String {
        let line = self.git(&["rev-list", "--parents", "--max-count=1", commit]);
        let is_merge = line.split_whitespace().count() > 2;
        let mainline: &[&str] = if is_merge { &["--mainline=1"] } else { &[] };
        self.push(|| {
            self.git(&[&["revert", "--no-edit"], mainline, &[commit]].concat());
        })
    }

    /// Merges a branch of the origin into main; the merge.
    pub(super) fn merge(&self, branch: &str) -> String {
        self.push(|| {
            self.git(&[
                "merge",
                "--quiet",
                "--no-ff",
                "--no-edit",
                &format!("origin/{branch}"),
            ]);
        })
    }

    /// The newest branch below `prefix` that main does not hold.
    pub(super) fn unmerged(&self, prefix: &str) -> Option<String> {
        self.fetch();
        let branches = self.git(&[
            "for-each-ref",
            "--sort=-committerdate",
            "--no-merged=origin/main",
            "--format=%(refname:lstrip=3)",
            &format!("refs/remotes/origin/{prefix}"),
        ]);
        branches.lines().next().map(str::to_owned)
    }

    /// The last commit of main that touched a file.
    pub(super) fn last_commit(&self, path: &str) -> String {
        self.fetch();
        self.git(&[
            "log",
            "--max-count=1",
            "--format=%H",
            "origin/main",
            "--",
            path,
        ])
    }

    /// How many commits of main touched a file.
    pub(super) fn commits_of(&self, path: &str) -> usize {
        self.fetch();
        let count = self.git(&[
            "rev-list",
            "--first-parent",
            "--count",
            "origin/main",
            "--",
            path,
        ]);
        count.parse().unwrap()
    }

    /// A file of main.
    pub(super) fn read(&self, path: &str) -> String {
        self.fetch();
        self.git(&["show", &format!("origin/main:{path}")])
    }

    /// Every ref of the origin, and where it is.
    pub(super) fn refs(&self) -> BTreeMap<String, String> {
        let refs = self.git(&["ls-remote", "--quiet", "origin"]);
        let pairs = refs.lines().filter_map(|line| line.split_once('\t'));
        pairs
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    /// Lets `make` commit on the newest main and pushes, again where somebody else was faster.
    fn push(&self, make: impl Fn()) -> String {
        let mut refused = String::new();
        for _ in 0..PUSHES_MAX {
            self.fetch();
            self.git(&["reset", "--quiet", "--hard", "origin/main"]);
            make();
            match self.try_git(&["push", "--quiet", "origin", "HEAD:main"]) {
                Ok(_) => return self.git(&["rev-parse", "HEAD"]),
                Err(words) => refused = words,
            }
        }
        panic!("refused {PUSHES_MAX} times: {refused}");
    }

    fn fetch(&self) {
        self.git(&["fetch", "--quiet", "--prune", "origin"]);
    }

    fn commit_all(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        let done = self.try_git(arguments);
        done.unwrap_or_else(|words| panic!("git {arguments:?}: {words}"))
    }

    /// What it said, without its end; the error is what it complained of. A silent server is given
    /// up on.
    fn try_git(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.clone)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.clone)
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_HTTP_LOW_SPEED_LIMIT", "1"),
                ("GIT_HTTP_LOW_SPEED_TIME", "30"),
                ("GIT_AUTHOR_NAME", "someone"),
                ("GIT_AUTHOR_EMAIL", "someone@example.org"),
                ("GIT_COMMITTER_NAME", "someone"),
                ("GIT_COMMITTER_EMAIL", "someone@example.org"),
            ])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }
}
