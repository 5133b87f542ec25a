//! Following only commits that are signed as the commit in force asks.

use std::collections::BTreeSet;

use super::revision::Revision;
use crate::clock::Timestamp;
use crate::config::yaml::first_byte;
use crate::config::{Asked, INSTALLATION_FILE, Policy};
use crate::diagnostic::Diagnostic;
use crate::git::{Described, GitError, Mirror};
use crate::limits::SIGNED_COMMITS_MAX;
use crate::signing::{self, Doubt, Signers, SigningKey, judge};
use crate::snapshot::ObjectId;

/// The finding that a commit is not signed as the one in force asks.
pub(super) const UNSIGNED: &str = "O005";

/// Words of a commit's that are shown at most.
const AUTHOR_CHARS_MAX: usize = 100;

/// Why a revision is not followed, and what to do about it.
struct Objection {
    why: String,
    help: &'static str,
}

impl Revision {
    /// The finding that keeps this revision from being followed, by what `base` asks, which was acted on
    /// before; where nothing was, by what it asks itself.
    pub(super) fn objection(
        &self,
        mirror: &Mirror,
        base: Option<&Self>,
    ) -> Result<Option<Diagnostic>, GitError> {
        if base.is_some_and(|base| base.commit == self.commit) {
            return Ok(None);
        }
        let objection = object(mirror, self, base)?;
        Ok(objection.map(|objection| {
            let then = match base {
                Some(base) => format!("{} stays in force", base.commit.short()),
                None => "no commit before it is known, so nothing is changed".to_owned(),
            };
            let (branch, why) = (&self.branch, objection.why);
            let words = format!("the branch `{branch}` is not followed: {why}; {then}");
            Diagnostic::error(UNSIGNED, first_byte(INSTALLATION_FILE), words).help(objection.help)
        }))
    }

    /// What whoever runs trueup asks of it.
    fn operators(&self, signers: &Signers, key: Option<&SigningKey>) -> Policy {
        let asked = |installation| Asked::of_operator(signers, key, installation);
        self.installation
            .as_ref()
            .map_or(Policy::Unusable, |one| Policy::Asked(asked(one)))
    }
}

/// Nobody could tell whose commits count after it.
fn unreadable(commit: &str) -> Objection {
    Objection {
        why: format!("the {INSTALLATION_FILE} of {commit} cannot be read"),
        help: OWN_HELP,
    }
}

fn object(
    mirror: &Mirror,
    tip: &Revision,
    base: Option<&Revision>,
) -> Result<Option<Objection>, GitError> {
    let commit = tip.commit.short().to_string();
    if tip.policy == Policy::Unusable {
        let why = format!(
            "{commit} asks for signatures, and its list of keys cannot be used, so nobody could sign \
             what comes after it"
        );
        return Ok(Some(Objection {
            why,
            help: OWN_HELP,
        }));
    }
    let source = mirror.source();
    let policy = match (base, &source.trusted) {
        (Some(base), _) => &base.policy,
        (None, None) => &tip.policy,
        (None, Some(signers)) => &tip.operators(signers, source.signing.as_deref()),
    };
    let asked = match policy {
        Policy::Off => return Ok(None),
        Policy::Unusable => {
            let why = format!("nobody can tell who may sign {commit}");
            return Ok(Some(Objection {
                why,
                help: OWN_HELP,
            }));
        }
        Policy::Asked(asked) if tip.installation.is_some() => asked,
        Policy::Asked(_) => return Ok(Some(unreadable(&commit))),
    };
    // The mirror may have been made anew: then what was in force is known, and its commit is not there.
    let floor = base.and_then(|base| mirror.describe(&base.commit).ok());
    let look = Look {
        mirror,
        asked,
        since: floor.as_ref().map(|floor| floor.at),
    };
    match floor.filter(|_| asked.every) {
        Some(floor) => look.all(&floor.commit, &tip.commit),
        None => look.newest(base.map(|base| &base.commit), &tip.commit),
    }
}

/// How commits are judged.
struct Look<'a> {
    mirror: &'a Mirror,
    asked: &'a Asked,
    /// When the commit in force says that it was made. What comes after it was not made before it: else a
    /// key whose time is over could sign for ever, with a clock that was put back.
    since: Option<Timestamp>,
}

impl Look<'_> {
    /// Judges everything that the branch gains. A tip that brings nothing new is judged too.
    fn all(&self, base: &ObjectId, tip: &ObjectId) -> Result<Option<Objection>, GitError> {
        let Some(mut gained) = self.mirror.gained(base, tip, SIGNED_COMMITS_MAX)? else {
            return Ok(Some(too_many()));
        };
        if gained.is_empty() {
            gained.push(tip.clone());
        }
        // The oldest first: what came into the branch first is what to mend first.
        for commit in gained.iter().rev() {
            if let Err(objection) = self.judge(&self.mirror.describe(commit)?)? {
                return Ok(Some(objection));
            }
        }
        Ok(None)
    }

    /// Judges the newest commit. A program answers for its own change only, so where it is a program's, or
    /// a host's merge, what it stands on is judged too, as far as it was not acted on.
    fn newest(
        &self,
        base: Option<&ObjectId>,
        tip: &ObjectId,
    ) -> Result<Option<Objection>, GitError> {
        let mut next = vec![tip.clone()];
        let mut seen = BTreeSet::new();
        while let Some(commit) = next.pop() {
            if !seen.insert(commit.clone()) {
                continue;
            }
            if seen.len() > SIGNED_COMMITS_MAX {
                return Ok(Some(too_many()));
            }
            let described = self.mirror.describe(&commit)?;
            let below = match self.judge(&described)? {
                Err(objection) => return Ok(Some(objection)),
                Ok(By::Person) => 0,
                Ok(By::Robot) => 1,
                Ok(By::Host) => described.parents.len(),
            };
            let acted_on =
                |parent: &ObjectId| base.is_some_and(|base| self.mirror.contains(base, parent));
            let below = described.parents.into_iter().take(below);
            next.extend(below.filter(|parent| !acted_on(parent)));
        }
        Ok(None)
    }

    fn judge(&self, commit: &Described) -> Result<Result<By, Objection>, GitError> {
        let at = self.since.map_or(commit.at, |since| since.max(commit.at));
        let signers = &self.asked.signers;
        let object = commit.object.as_ref().map_err(|error| (*error).into());
        let by = object.and_then(|object| match judge(object, signers, at) {
            Err(Doubt::Gpg) => self.judge_gpg(object),
            Err(doubt) => Err(doubt),
            Ok(signer) if signer.robot => Ok(By::Robot),
            Ok(_) => Ok(By::Person),
        });
        match by {
            Err(doubt) => Ok(Err(Objection {
                why: format!("{}: {doubt}", named(commit)),
                help: if self.asked.every {
                    EVERY_HELP
                } else {
                    HEAD_HELP
                },
            })),
            Ok(By::Robot) => self.judge_robot(commit),
            Ok(By::Host) => self.judge_host(commit),
            Ok(By::Person) => Ok(Ok(By::Person)),
        }
    }

    /// Who signed with GPG. A key that is in both lists is a host's.
    fn judge_gpg(&self, object: &signing::Commit) -> Result<By, Doubt> {
        let lists = [
            (&self.asked.gpg_merges, By::Host),
            (&self.asked.gpg, By::Person),
        ];
        let mut doubt = Doubt::Gpg;
        for (list, by) in lists {
            let Some(list) = list else {
                continue;
            };
            let signature = object.signature.as_deref().unwrap_or_default();
            let signature = signing::detached(signature)?;
            match self.mirror.check_gpg(list, &signature, &object.payload) {
                Ok(()) => return Ok(by),
                Err(unknown @ Doubt::Unknown(_)) => doubt = unknown,
                Err(other) => return Err(other),
            }
        }
        Err(doubt)
    }

    /// A host may merge.
    fn judge_host(&self, commit: &Described) -> Result<Result<By, Objection>, GitError> {
        if self.mirror.only_merges(&commit.commit)? {
            return Ok(Ok(By::Host));
        }
        Ok(Err(Objection {
            why: format!(
                "{} is signed by a key of `commits.gpg_merge_keys`, and is not a merge of two commits \
                 without a change of its own",
                named(commit)
            ),
            help: HOST_HELP,
        }))
    }

    /// A program may write what trueup writes.
    fn judge_robot(&self, commit: &Described) -> Result<Result<By, Objection>, GitError> {
        let objection = |what: String| Objection {
            why: format!("{} is signed by a program, and {what}", named(commit)),
            help: ROBOT_HELP,
        };
        if commit.parents.len() > 1 {
            return Ok(Err(objection("a program merges nothing".to_owned())));
        }
        let altered = self.mirror.altered(&commit.commit)?;
        let mut other = altered
            .iter()
            .filter(|one| !one.is_file || !self.asked.lets_robots_write(&one.path));
        Ok(match other.next() {
            None => Ok(By::Robot),
            Some(one) => {
                let path = one.path.escape_debug();
                Err(objection(format!(
                    "changes `{path}`, which trueup does not write"
                )))
            }
        })
    }
}

/// By whom, where that counts.
#[derive(Clone, Copy)]
enum By {
    Person,
    Robot,
    Host,
}

/// A commit in words that harm no terminal.
fn named(commit: &Described) -> String {
    let author: String = commit.author.chars().take(AUTHOR_CHARS_MAX).collect();
    format!("{} by {}", commit.commit.short(), author.escape_debug())
}

fn too_many() -> Objection {
    Objection {
        why: format!("more than {SIGNED_COMMITS_MAX} commits would have to be judged at once"),
        help: "push them a part at a time, so that each part is acted on before the next comes; or have \
            only the newest judged, with `commits: {verify: head}` in a signed commit before them",
    }
}

const HEAD_HELP: &str = "push a commit on top that is signed (`git commit -S`) with a key that the commit in \
    force lists; `docs/guides/signed-commits.md` has the rest";
const EVERY_HELP: &str = "sign the commit with a key that the commit in force lists, and those after it anew \
    (`git rebase --exec 'git commit --amend --no-edit -S'`), and push them; \
    `docs/guides/signed-commits.md` has the rest";
const ROBOT_HELP: &str = "have a person sign the change; if nobody knows of it, the program's key is in \
    other hands: take it out of the list of keys";
const HOST_HELP: &str = "have a person sign the change, and merge it on the host's pages without \
    squashing, rebasing or mending it there, or merge it elsewhere and sign that";
const OWN_HELP: &str = "`trueup lint` shows the places; push a commit in which they are mended";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_made_a_commit_is_told_in_few_words_that_do_no_harm() {
        let commit = Described {
            commit: ObjectId("1a2b3c4d5e6f".to_owned()),
            parents: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            author: format!("\u{1b}[2J{}", "x".repeat(10 * AUTHOR_CHARS_MAX)),
            object: Err(signing::CommitError::Size),
        };
        let said = named(&commit);
        assert!(said.contains(" by \\u{1b}[2Jxxx"), "{said}");
        assert!(said.len() < 2 * AUTHOR_CHARS_MAX, "{said}");
    }
}
