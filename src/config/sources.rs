//! A list of the repositories that one daemon follows, and what lets it in at their hosts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{join, split};
use super::{companion, shape, yaml};
use crate::diagnostic::{Diagnostic, Span, any_error, settle};
use crate::limits::SOURCES_MAX;

/// The list, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourcesFile {
    /// Major version of the format.
    #[schemars(extend("const" = 1))]
    version: u32,
    /// The repositories, each with the branch that decides: `URL#BRANCH`.
    #[schemars(length(max = SOURCES_MAX), inner(length(min = 1, max = 2048)))]
    sources: Vec<String>,
    /// Hosts by name, with the port where the URLs have one.
    #[serde(default)]
    #[schemars(length(max = SOURCES_MAX))]
    hosts: BTreeMap<String, HostAccess>,
}

/// What lets trueup in at one Git host, and how much that host bears.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostAccess {
    /// A file whose first line is a token; read anew at each conversation.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    pub token_file: Option<String>,
    /// A program and its arguments, whose first line of output is a token; run without a shell at each
    /// conversation.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub token_command: Option<Vec<String>>,
    /// The environment variable that holds a token.
    #[serde(default)]
    #[schemars(length(max = 256), extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$",
        "x-expected" = "the name of an environment variable"))]
    pub token_env: Option<String>,
    /// Whether the credential helpers of Git's own configuration are asked.
    #[serde(default)]
    pub helpers: bool,
    /// Files with private keys for SSH, without a passphrase.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub keys: Vec<String>,
    /// Files in the form of OpenSSH's `known_hosts`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub known_hosts: Vec<String>,
    /// How often the sources of this host together are looked at, at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 60_000))]
    pub looks_per_minute: Option<u32>,
}

/// The list, with the places of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceList {
    /// `URL#BRANCH` each.
    pub sources: Vec<(String, Span)>,
    /// Host to what lets trueup in there.
    pub hosts: BTreeMap<String, (HostAccess, Span)>,
}

/// Reads a list; where it cannot be used, a finding that is an error says why.
pub fn read_sources(path: &str, bytes: &[u8]) -> (Option<SourceList>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let file: Option<SourcesFile> = companion::typed(path, bytes, &shape::SOURCES, &mut findings);
    let root = yaml::read(path, bytes).root;
    let origins = root.map(|root| split(path, &root).1).unwrap_or_default();
    let list = file.map(|file| {
        let sources = file.sources.into_iter().enumerate();
        let hosts = file.hosts.into_iter();
        SourceList {
            sources: sources
                .map(|(at, text)| (text, origins.origin(&join("/sources", &at.to_string()))))
                .collect(),
            hosts: hosts
                .map(|(host, access)| {
                    let place = origins.key(&join("/hosts", &host));
                    (host, (access, place))
                })
                .collect(),
        }
    });
    let ambiguous = list.iter().flat_map(|list| &list.hosts);
    let ambiguous = ambiguous.filter(|(_, (access, _))| access.tokens() > 1);
    findings.extend(ambiguous.map(|(host, (_, place))| {
        let message = format!("{host} has more than one way to a token");
        let help = "keep one of `token_file`, `token_command`, `token_env` and `helpers`";
        Diagnostic::error("S002", place.clone(), message).help(help)
    }));
    let findings = settle(findings);
    (list.filter(|_| !any_error(&findings)), findings)
}

impl HostAccess {
    /// How many ways to a token it names.
    fn tokens(&self) -> usize {
        let ways = [
            self.token_file.is_some(),
            self.token_command.is_some(),
            self.token_env.is_some(),
            self.helpers,
        ];
        ways.into_iter().filter(|way| *way).count()
    }

    /// Whether it names a way to a token.
    pub fn has_token(&self) -> bool {
        self.tokens() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_its_places() {
        let text = "version: 1\nsources:\n- https://h/a#main\n- git@g:b\n\
                    hosts:\n  h: {token_env: T, looks_per_minute: 60}\n  g: {keys: [/k]}\n";
        let (list, findings) = read_sources("s.yaml", text.as_bytes());
        assert_eq!(findings, []);
        let list = list.unwrap();
        let sources: Vec<_> = list
            .sources
            .iter()
            .map(|(text, at)| (text.as_str(), at.line))
            .collect();
        assert_eq!(sources, [("https://h/a#main", 3), ("git@g:b", 4)]);
        let (access, at) = &list.hosts["h"];
        assert!(access.has_token() && !list.hosts["g"].0.has_token());
        assert_eq!((access.looks_per_minute, at.line), (Some(60), 6));
    }

    #[test]
    fn what_is_wrong_is_found_at_its_place() {
        let check = |text: &str, expect: &str| {
            let (list, findings) = read_sources("s.yaml", text.as_bytes());
            assert_eq!(list, None, "{text}");
            let first = &findings[0];
            let found = format!("{} {} {}", first.code, first.span.line, first.message);
            assert!(found.starts_with(expect), "{found}");
        };
        check(
            "version: 1\nsources: []\nsource: []\n",
            "S001 3 unknown key `source`",
        );
        check(
            "version: 1\nsources: [7]\n",
            "S002 2 item 1 of `sources` is the number 7",
        );
        check(
            "version: 1\nsources: []\nhosts:\n  h: {token_env: A B}\n",
            "S002 4 `token_env` is `A B`",
        );
        check(
            "version: 1\nsources: []\nhosts:\n  h: {token_env: A, helpers: true}\n",
            "S002 4 h has more than one way to a token",
        );
        let many = "- https://h/a\n".repeat(SOURCES_MAX + 1);
        check(
            &format!("version: 1\nsources:\n{many}"),
            "S002 2 `sources` is a list, but takes at most 1000 items",
        );
        check("", "S0");
    }
}
