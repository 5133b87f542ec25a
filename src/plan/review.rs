//! Whether a release that was merged into a later environment may be rolled out.
//!
//! A promotion is cut when the environment serves one package, and merged when it may serve
//! another. So what a release file says it follows (`previous`) is compared with what the file named
//! before, along first parents: there a squash, a rebase and a merge look the same, and no message
//! or author is asked. A file that returns byte for byte to a state that was rolled out is a
//! rollback, whatever it says.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::release::{Past, PastRelease};
use super::rollback::forbidden;
use crate::config::Quarantined;
use crate::limits::HISTORY_COMMITS_MAX;
use crate::release::{MAIN_SLOT, Release};

/// What may be done about a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is rolled out.
    Goes,
    /// It is not, because of these facts, until people do what the words say.
    Held(String),
    /// Its history could not be read.
    Unknown(String),
}

/// A release that would bring a package to an environment that never ran it.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// The environment.
    pub environment: &'a str,
    /// What it is to serve.
    pub release: &'a Release,
    /// The release's path from the repository's root.
    pub file: &'a str,
    /// Packages that automation must not use again.
    pub quarantine: &'a [Quarantined],
    /// Their path from the repository's root.
    pub quarantine_file: &'a str,
}

impl Review<'_> {
    /// Judges by the quarantine of the commit and by `history`: the model's states, newest first and
    /// the commit's own among them. It is read only as far as the verdict needs.
    ///
    /// Where history ends without having named another package, whether at its first commit or after
    /// [`HISTORY_COMMITS_MAX`], the release goes: it was not merged lately, and a new account must
    /// be able to serve it. Where it could not be read nothing is known, and nothing is done.
    pub fn verdict<E: Display>(&self, history: impl Iterator<Item = Result<Past, E>>) -> Verdict {
        if let Some(held) = self.quarantined() {
            return Verdict::Held(held);
        }
        match built_on(self.environment, history) {
            Err(error) => Verdict::Unknown(format!("its history could not be read: {error}")),
            Ok(Built::Well) => Verdict::Goes,
            Ok(Built::OnAnother { package, on, found }) => {
                Verdict::Held(self.stale(&package, on.as_deref(), &found))
            }
        }
    }

    fn quarantined(&self) -> Option<String> {
        let Self {
            release,
            file,
            quarantine,
            quarantine_file,
            environment,
        } = self;
        let one = forbidden(release, quarantine)?;
        let why = one.why();
        Some(format!(
            "`{}` is quarantined{why}: {environment} stays as it is; revert the commit that put it \
             in `{file}`, or take it out of `{quarantine_file}`",
            one.package
        ))
    }

    fn stale(&self, package: &str, on: Option<&str>, found: &str) -> String {
        let Self {
            environment, file, ..
        } = self;
        let on = on.map_or_else(
            || "as the first release here".to_owned(),
            |on| format!("to follow `{on}`"),
        );
        format!(
            "`{package}` was prepared {on}, and `{file}` named `{found}` when it was merged: \
             {environment} stays as it is; revert the merge and merge a newer promotion, or, to \
             insist, commit `{file}` again with `previous: {{{MAIN_SLOT}: \"{found}\"}}`"
        )
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Built {
    Well,
    OnAnother {
        package: String,
        on: Option<String>,
        found: String,
    },
}

/// States of a release file that follow each other and name the same package.
struct Stretch {
    package: String,
    /// The newest state's.
    previous: Option<String>,
    files: BTreeSet<String>,
}

/// Whether the newest release of `environment` follows what was there.
fn built_on<E>(
    environment: &str,
    history: impl Iterator<Item = Result<Past, E>>,
) -> Result<Built, E> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for past in history.take(HISTORY_COMMITS_MAX) {
        let Some(state) = past?.releases.remove(environment) else {
            continue;
        };
        let PastRelease {
            package,
            previous,
            file,
            ..
        } = state;
        match stretches.last_mut() {
            Some(stretch) if stretch.package == package => drop(stretch.files.insert(file)),
            _ => {
                if let [newest] = stretches.as_slice()
                    && newest.previous.as_ref() == Some(&package)
                {
                    return Ok(Built::Well);
                }
                stretches.push(Stretch {
                    package,
                    previous,
                    files: BTreeSet::from([file]),
                });
            }
        }
    }
    Ok(judge(stretches))
}

/// Judges every stretch from the oldest on, because a return to something that was itself held is
/// no rollback.
fn judge(stretches: Vec<Stretch>) -> Built {
    let mut rolled_out: BTreeSet<String> = BTreeSet::new();
    let mut served: Option<String> = None;
    let mut before: Option<String> = None;
    let mut built = Built::Well;
    for stretch in stretches.into_iter().rev() {
        let Stretch {
            package,
            previous,
            files,
        } = stretch;
        let follows = |one: &Option<String>| one.is_some() && *one == previous;
        let returns = !rolled_out.is_disjoint(&files);
        built = match &before {
            Some(found) if !follows(&before) && !follows(&served) && !returns => Built::OnAnother {
                package: package.clone(),
                on: previous,
                found: found.clone(),
            },
            _ => {
                rolled_out.extend(files);
                served = Some(package.clone());
                Built::Well
            }
        };
        before = Some(package);
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// One state: `package<previous`, and a mark where the bytes differ besides.
    fn state(text: &str) -> Result<Past, String> {
        if text == "!" {
            return Err("the pack is broken".to_owned());
        }
        let mut releases = BTreeMap::new();
        if text != "-" {
            let bare = text.trim_end_matches('\'');
            let (package, previous) = bare.split_once('<').unwrap_or((bare, ""));
            let state = PastRelease {
                package: package.to_owned(),
                previous: Some(previous.to_owned()).filter(|name| !name.is_empty()),
                file: text.to_owned(),
                artefacts: Vec::new(),
            };
            releases.insert("production".to_owned(), state);
        }
        Ok(Past {
            identity: None,
            releases,
        })
    }

    /// The states of a file, oldest first, and what the newest comes to: well, or the package that
    /// was found in its way.
    fn check(oldest_first: &[&str], expect: Result<Option<&str>, &str>) {
        let history = oldest_first.iter().rev().map(|text| state(text));
        let found = built_on("production", history).map(|built| match built {
            Built::Well => None,
            Built::OnAnother { found, .. } => Some(found),
        });
        let expect = expect.map(|found| found.map(str::to_owned));
        assert_eq!(found, expect.map_err(str::to_owned), "{oldest_first:?}");
    }

    const HELD: Result<Option<&str>, &str> = Ok(Some("B"));

    #[test]
    fn a_release_follows_what_the_file_named() {
        check(&["A"], Ok(None));
        check(&["-", "A"], Ok(None));
        check(&["A", "B<A"], Ok(None));
        check(&["A", "B<A", "C<B"], Ok(None));
        check(&["A", "B<A", "C<A"], HELD);
        check(&["A", "B<A", "C"], HELD);
        check(&["A", "B<A", "C<A", "C<A'"], HELD);
        // The file was gone in between: what it named last is what was there.
        check(&["A", "B<A", "-", "C<A"], HELD);
        check(&["A", "B<A", "-", "C<B"], Ok(None));
    }

    #[test]
    fn to_insist_is_to_write_what_was_there() {
        check(&["A", "B<A", "C<A", "C<B"], Ok(None));
        check(&["A", "B<A", "C<A", "C<B", "C<A"], HELD);
        check(&["A", "B<A", "C<A", "C<B", "D<C"], Ok(None));
    }

    #[test]
    fn a_return_to_the_same_bytes_is_a_rollback() {
        check(&["A", "B<A", "A"], Ok(None));
        check(&["A", "B<A", "A", "B<A"], Ok(None));
        check(&["A", "B<A", "A", "B<A", "A"], Ok(None));
        check(&["Z", "A<Z", "B<A", "C<B", "A<Z"], Ok(None));
        // Tried again after the return: other bytes, the same order.
        check(&["Z", "A<Z", "B<A", "A<Z", "A<Z'"], Ok(None));
        check(&["Z", "A<Z", "B<A", "A<Z'"], HELD);
    }

    #[test]
    fn a_return_to_what_was_held_is_held() {
        check(&["A", "B<A", "C<A", "B<A"], Ok(None));
        check(&["A", "B<A", "C<A", "B<A", "C<A"], HELD);
        // What follows a held one may follow it, or what is served meanwhile.
        check(&["A", "B<A", "C<A", "D<C"], Ok(None));
        check(&["A", "B<A", "C<A", "D<B"], Ok(None));
        check(&["A", "B<A", "C<A", "D<A"], Ok(Some("C")));
    }

    #[test]
    fn a_history_that_ends_holds_nothing_and_one_that_breaks_lets_nothing_go() {
        check(&["C<A"], Ok(None));
        check(&["!", "C<A"], Err("the pack is broken"));
        check(&["!", "B", "C<B"], Ok(None));
        let old = ["A", "B<A"].into_iter();
        let many: Vec<_> = old
            .chain(std::iter::repeat_n("C<A", HISTORY_COMMITS_MAX - 1))
            .collect();
        check(&many, HELD);
        let more: Vec<_> = many.into_iter().chain(["C<A"]).collect();
        check(&more, Ok(None));
    }
}
