//! Whose commits are acted on: what `commits` in `trueup.yaml` asks for, with the lists of keys.

use super::companion::is_written_by_trueup;
use super::document::{Origins, split};
use super::installation::{Commits, Installation, Verify};
use super::lint::signers::G011;
use super::{INSTALLATION_FILE, MODEL_FILE, yaml};
use crate::diagnostic::{Diagnostic, Span};
use crate::signing::{Fault, Keyring, Signers, SigningKey, fingerprint};
use crate::snapshot::{Snapshot, glob};

/// What the commit in force asks of the commits that come after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Policy {
    /// No signature.
    #[default]
    Off,
    /// Signatures.
    Asked(Asked),
    /// Signatures, but nobody can tell whose.
    Unusable,
}

/// Which signatures are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whether each commit must have one.
    pub every: bool,
    /// Whose count.
    pub signers: Signers,
    /// Whose count by a key of GPG's.
    pub gpg: Option<Keyring>,
    /// Whose count by a key of GPG's for merges that change nothing themselves.
    pub gpg_merges: Option<Keyring>,
    models: String,
}

impl Policy {
    /// What a commit's files ask for, and what is wrong with that. Of the files only the lists of keys are
    /// looked at, and `trueup.yaml` for places.
    pub fn read(snapshot: &Snapshot, installation: &Installation) -> (Self, Vec<Diagnostic>) {
        let commits = &installation.commits;
        if commits.verify == Verify::Off {
            return (Self::Off, Vec::new());
        }
        let (signers, mut findings) = signers(snapshot, commits);
        let mut keyring = |key: &str, path: &Option<String>| {
            let path = path.as_ref()?;
            keyring(snapshot, key, path, &mut findings)
        };
        let gpg = keyring("gpg_keys", &commits.gpg_keys);
        let gpg_merges = keyring("gpg_merge_keys", &commits.gpg_merge_keys);
        if !findings.is_empty() {
            return (Self::Unusable, findings);
        }
        let asked = Asked {
            every: commits.verify == Verify::Every,
            signers,
            gpg,
            gpg_merges,
            models: installation.models.clone(),
        };
        (Self::Asked(asked), findings)
    }

    /// Why a commit that trueup signs with `key`, or does not sign, would not be followed.
    pub fn objection_to_own(&self, key: Option<&SigningKey>) -> Option<String> {
        match self {
            Self::Asked(asked) => asked.objection_to_own(key),
            Self::Off | Self::Unusable => None,
        }
    }
}

impl Asked {
    /// What whoever runs trueup asks of the first commit: to be signed by one of theirs, or by trueup's own
    /// `key` on top of that.
    pub fn of_operator(
        signers: &Signers,
        key: Option<&SigningKey>,
        installation: &Installation,
    ) -> Self {
        let with_own = |key: &SigningKey| signers.with_robot(key.public(), "trueup");
        Self {
            every: false,
            signers: key.map_or_else(|| signers.clone(), with_own),
            gpg: None,
            gpg_merges: None,
            models: installation.models.clone(),
        }
    }

    fn objection_to_own(&self, key: Option<&SigningKey>) -> Option<String> {
        let Some(key) = key else {
            return Some(format!(
                "commits are to be signed, and trueup has no key to sign with; {KEY_HELP}"
            ));
        };
        if self.signers.of(key.public()).next().is_some() {
            return None;
        }
        let key = fingerprint(key.public().blob());
        Some(format!(
            "the list of keys does not have trueup's own, {key}; a signed commit adds it"
        ))
    }

    /// Whether a program's commit may put a file at this path.
    pub fn lets_robots_write(&self, path: &str) -> bool {
        let is_model = |folder: &str| {
            let file = super::below(folder, MODEL_FILE);
            folder.is_empty() || glob::matches(&self.models, &file)
        };
        let ends = path.match_indices('/').map(|(at, _)| at);
        let below = ends.map(|at| (&path[..at], &path[at + 1..]));
        let mut split = below.chain([("", path)]);
        split.any(|(folder, rest)| is_model(folder) && is_written_by_trueup(rest))
    }
}

/// What `--git-signing-key` is for, where it is missing.
const KEY_HELP: &str = "`--git-signing-key` gives trueup a key of its own";

/// The list of keys; findings, if it cannot be used as it is.
fn signers(snapshot: &Snapshot, commits: &Commits) -> (Signers, Vec<Diagnostic>) {
    let path = &commits.allowed_signers;
    let missing = |why: &str| {
        let finding = unusable(snapshot, "allowed_signers", path, why);
        let help =
            "add the file, with a line `<name> <kind> <key>` for each key whose signature counts";
        (Signers::default(), vec![finding.help(help)])
    };
    let bytes = match list(snapshot, path) {
        Ok(bytes) => bytes,
        Err(why) => return missing(&why),
    };
    let (mut signers, faults) = Signers::read(bytes);
    if !faults.is_empty() {
        let findings = faults.into_iter().map(|fault| told(path, fault));
        return (signers, findings.collect());
    }
    if signers.is_empty() {
        return missing("has no key");
    }
    let nobody = signers.appoint(&commits.robots).into_iter();
    let nobody = nobody.map(|robot| {
        let robot = robot.escape_debug();
        let message = format!("nobody in `{}` is called `{robot}`", path.escape_debug());
        let help = "write the name as the list of keys has it: as long as no key has it, no key is a \
            program's";
        G011.at(place(snapshot, "robots"), message).help(help)
    });
    let findings = nobody.collect();
    (signers, findings)
}

/// Keys of GPG's; a finding, if they cannot be used.
fn keyring(
    snapshot: &Snapshot,
    key: &str,
    path: &str,
    findings: &mut Vec<Diagnostic>,
) -> Option<Keyring> {
    let read = match list(snapshot, path) {
        Ok(bytes) => Keyring::read(bytes).map_err(|fault| told(path, fault)),
        Err(why) => Err(unusable(snapshot, key, path, &why)
            .help("add the file, with what `gpg --armor --export` writes of the keys that count")),
    };
    read.map_err(|finding| findings.push(finding)).ok()
}

/// The bytes of a list of keys; why there are none.
fn list<'a>(snapshot: &'a Snapshot, path: &str) -> Result<&'a [u8], String> {
    let missing = || {
        let left_out = snapshot.skipped.get(path);
        left_out.map_or_else(
            || "is not there".to_owned(),
            |why| format!("was left out of the commit's files: {why}"),
        )
    };
    let file = snapshot.files.get(path).ok_or_else(missing)?;
    Ok(&file.bytes)
}

fn unusable(snapshot: &Snapshot, key: &str, path: &str, why: &str) -> Diagnostic {
    let message = format!("the list of keys `{}` {why}", path.escape_debug());
    G011.at(place(snapshot, key), message)
}

fn told(path: &str, fault: Fault) -> Diagnostic {
    let span = Span {
        file: path.to_owned(),
        start: fault.start,
        end: fault.end,
        line: fault.line,
        column: fault.column,
    };
    G011.at(span, fault.what)
}

/// Where `trueup.yaml` says something about commits. The file is read once more for that.
fn place(snapshot: &Snapshot, key: &str) -> Span {
    let bytes = snapshot.files.get(INSTALLATION_FILE);
    let root = bytes.and_then(|file| yaml::read(INSTALLATION_FILE, &file.bytes).root);
    let Some(root) = root else {
        return yaml::first_byte(INSTALLATION_FILE);
    };
    let commits = root.get("commits");
    let written = commits.is_some_and(|commits| commits.get(key).is_some());
    let origins: Origins = split(INSTALLATION_FILE, &root).1;
    let pointer = if written {
        format!("/commits/{key}")
    } else {
        "/commits".to_owned()
    };
    origins.key(&pointer)
}
