//! Which repositories a daemon follows: those of the command line, and those of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::connect;
use super::error::CommandError;
use super::shell::Shell;
use crate::config::{HostAccess, SourceList, read_sources};
use crate::diagnostic::{Diagnostic, Span, render, settle};
use crate::git::{Source, SourceError};
use crate::limits::YAML_BYTES_MAX;

/// The repositories.
#[derive(Debug, Args)]
pub(super) struct SourcesArg {
    /// A repository and the branch that decides; may be given several times
    #[arg(
        long = "source",
        value_name = "URL[#BRANCH]",
        required_unless_present = "file"
    )]
    sources: Vec<String>,
    /// A file that lists repositories, and what lets trueup in at their hosts. It is read again when it
    /// changes; `trueup schema sources` prints its schema
    #[arg(long = "sources", value_name = "FILE", id = "file")]
    file: Option<PathBuf>,
}

/// One repository, and what was said of its host.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) source: Source,
    pub(super) access: HostAccess,
    /// As it was written: it may hold a password.
    text: SecretString,
}

impl Listed {
    /// Whether nothing else was said of it than of `other`.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.access == other.access && self.text.expose_secret() == other.text.expose_secret()
    }
}

/// Why a list cannot be used.
enum Unusable {
    Unread(CommandError),
    Findings(Vec<Diagnostic>, Vec<u8>),
}

impl SourcesArg {
    /// The file, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// All repositories; what is wrong with the file is said at its place.
    pub(super) fn read(&self, shell: &Shell) -> Result<Vec<Listed>, CommandError> {
        self.gather(shell).map_err(|unusable| match unusable {
            Unusable::Unread(error) => error,
            Unusable::Findings(findings, bytes) => {
                let text = std::str::from_utf8(&bytes).ok();
                let paint = shell.streams.paint.is_on();
                shell
                    .streams
                    .talk(&render::text(&findings, |_| text, paint));
                CommandError::message("the list of repositories cannot be used")
            }
        })
    }

    /// The same, once more; what is wrong is said in one line.
    pub(super) fn read_again(&self, shell: &Shell) -> Result<Vec<Listed>, String> {
        self.gather(shell).map_err(|unusable| match unusable {
            Unusable::Unread(error) => error.line(),
            Unusable::Findings(findings, _) => {
                let first = findings.first().map_or_else(String::new, |one| {
                    let Span {
                        file, line, column, ..
                    } = &one.span;
                    format!("{file}:{line}:{column}: {}: {}", one.code, one.message)
                });
                render::tame(&first).replace('\n', " ")
            }
        })
    }

    fn gather(&self, shell: &Shell) -> Result<Vec<Listed>, Unusable> {
        let mut all = Vec::new();
        for text in &self.sources {
            let source = text.parse().map_err(CommandError::from);
            let source = source.map_err(Unusable::Unread)?;
            all.push((source, text.clone(), HostAccess::default()));
        }
        if let Some(path) = &self.file {
            all.extend(from_file(path)?);
        }
        one_host_a_token(&all, shell).map_err(Unusable::Unread)?;
        let listed = all.into_iter().map(|(source, text, access)| {
            let source = connect::equipped(source, shell, &access)?;
            let text = SecretString::from(text);
            Ok(Listed {
                source,
                access,
                text,
            })
        });
        listed
            .collect::<Result<_, CommandError>>()
            .map_err(Unusable::Unread)
    }
}

/// A token that was given for no host in particular is shown to one host alone.
fn one_host_a_token(
    all: &[(Source, String, HostAccess)],
    shell: &Shell,
) -> Result<(), CommandError> {
    if !shell.global.git.has_token(&shell.environment) {
        return Ok(());
    }
    let shown = all
        .iter()
        .filter(|(source, _, access)| source.is_web() && !access.has_token());
    let hosts: BTreeSet<_> = shown.map(|(source, ..)| source.host()).collect();
    if hosts.len() < 2 {
        return Ok(());
    }
    let hosts: Vec<_> = hosts.into_iter().collect();
    let message = format!("one token would be shown to {}", hosts.join(", "));
    let help = "give each host its own in a file: `--sources FILE`, below `hosts`";
    Err(CommandError::usage(message).help(help))
}

fn from_file(path: &Path) -> Result<Vec<(Source, String, HostAccess)>, Unusable> {
    let name = path.display().to_string();
    let unread = |error: std::io::Error| {
        let error = CommandError::new(&error).context(format!("cannot read {name}"));
        Unusable::Unread(error.help("give the path of a file that this user may read"))
    };
    // One byte more than a file may have, so that the reader sees that it is too large.
    let most = u64::try_from(YAML_BYTES_MAX).map_or(u64::MAX, |most| most + 1);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(unread)?;
    let (list, findings) = read_sources(&name, &bytes);
    let list = list.ok_or(findings).and_then(parsed);
    list.map_err(|findings| Unusable::Findings(findings, bytes))
}

/// The sources of a list, each with what was said of its host.
fn parsed(list: SourceList) -> Result<Vec<(Source, String, HostAccess)>, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let mut places = BTreeMap::new();
    let mut unused: BTreeSet<_> = list.hosts.keys().cloned().collect();
    let mut parsed = Vec::new();
    for (text, place) in list.sources {
        let source: Source = match text.parse() {
            Ok(source) => source,
            Err(error) => {
                findings.push(no_source(&error, place));
                continue;
            }
        };
        let line = place.line;
        if let Some(first) = places.insert(source.key(), line) {
            let message = format!("{source} stands in line {first} already");
            findings.push(Diagnostic::error("S002", place, message));
        }
        unused.remove(source.host());
        let access = list.hosts.get(source.host());
        let access = access.map(|(access, _)| access.clone());
        parsed.push((source, text, access.unwrap_or_default()));
    }
    for host in unused {
        let message = format!("no source is at {host}");
        let place = list.hosts[&host].1.clone();
        let help = "write the host as the URLs do, with a port where they have one";
        findings.push(Diagnostic::error("S002", place, message).help(help));
    }
    if findings.is_empty() {
        Ok(parsed)
    } else {
        Err(settle(findings))
    }
}

fn no_source(error: &SourceError, place: Span) -> Diagnostic {
    let help = "a source is `URL[#branch]`: `https://`, `ssh://`, `user@host:path`, `codecommit::`, `file://` or a path";
    Diagnostic::error("S002", place, error.to_string()).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<(String, HostAccess)>, Vec<String>> {
        let (list, findings) = read_sources("s.yaml", text.as_bytes());
        assert_eq!(findings, [], "{text}");
        let parsed = parsed(list.unwrap());
        parsed
            .map(|all| {
                let named = all.into_iter();
                named
                    .map(|(source, _, access)| (source.to_string(), access))
                    .collect()
            })
            .map_err(|findings| {
                let lines = findings.iter();
                lines
                    .map(|one| format!("{} {}", one.span.line, one.message))
                    .collect()
            })
    }

    #[test]
    fn a_source_has_what_was_said_of_its_host() {
        let text = "version: 1\nsources: ['https://u:hunter2@h/a#m', 'git@g:b', '/srv/c']\n\
                    hosts: {h: {helpers: true}, g: {keys: [/k]}}\n";
        let parsed = of(text).unwrap();
        let names: Vec<_> = parsed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["https://h/a#m", "git@g:b", "/srv/c"]);
        assert!(parsed[0].1.helpers);
        assert_eq!(parsed[1].1.keys, ["/k"]);
        assert_eq!(parsed[2].1, HostAccess::default());
    }

    #[test]
    fn what_cannot_be_followed_is_told_at_its_place_and_keeps_its_password() {
        let check = |sources: &str, rest: &str, expect: &str| {
            let text = format!("version: 1\nsources:\n{sources}{rest}");
            let said = of(&text).unwrap_err();
            assert!(said[0].starts_with(expect), "{said:?}");
            assert!(!said.join("").contains("hunter2"));
        };
        check(
            "- https://u:hunter2@/a\n",
            "",
            "3 the URL of a source needs",
        );
        check(
            "- https://h/a\n- https://u:hunter2@h/a\n",
            "",
            "4 https://h/a stands in line 3",
        );
        check(
            "- https://h/a\n",
            "hosts:\n  g: {helpers: true}\n",
            "5 no source is at g",
        );
    }
}
