//! Whose signatures count: OpenSSH's `allowed_signers`.

use data_encoding::BASE64;

use super::key::{KINDS, KeyError, PublicKey};
use super::line::{Line, options, unquoted};
use super::{instant, pattern};
use crate::clock::Timestamp;
use crate::limits::{SIGNERS_BYTES_MAX, SIGNERS_MAX};

/// The keys whose signatures count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers(Vec<Signer>);

/// One line: a key, and what it counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The line, from 1; 0 where it is in no file.
    pub line: usize,
    /// Who it is: patterns with commas between them.
    pub principals: String,
    /// The key.
    pub key: PublicKey,
    /// Whether it is a program's, which may change little: see [`Signers::appoint`].
    pub robot: bool,
    namespaces: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

/// Something in a list of keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The first byte of the file that it is about.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What is wrong: a phrase.
    pub what: String,
}

impl Signers {
    /// Reads a list of keys. What is in a line with a fault counts for nothing.
    pub fn read(bytes: &[u8]) -> (Self, Vec<Fault>) {
        let whole = |what: String| Fault {
            line: 1,
            column: 1,
            start: 0,
            end: 0,
            what,
        };
        if bytes.len() > SIGNERS_BYTES_MAX {
            let what = format!("it has more than {SIGNERS_BYTES_MAX} bytes");
            return (Self::default(), vec![whole(what)]);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return (Self::default(), vec![whole("it is no text".to_owned())]);
        };
        let (mut signers, mut faults) = (Vec::new(), Vec::new());
        let mut start = 0;
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let told = line.trim_end();
            if !told.trim_start().is_empty() && !told.trim_start().starts_with('#') {
                match signer(told, at + 1) {
                    Ok(_) if signers.len() >= SIGNERS_MAX => {
                        let what = format!("there are more than {SIGNERS_MAX} keys");
                        faults.push(fault(start, at + 1, told, (0, told), what));
                        break;
                    }
                    Ok(signer) => signers.push(signer),
                    Err((place, what)) => faults.push(fault(start, at + 1, told, place, what)),
                }
            }
            start += line.len();
        }
        (Self(signers), faults)
    }

    /// Takes the keys of those who have one of these names for programs': a key that may sign as a program
    /// is a program's, whatever else it may sign as. Gives the names that nobody has.
    pub fn appoint<'a>(&mut self, robots: &'a [String]) -> Vec<&'a str> {
        let is = |signer: &Signer, robot: &str| pattern::lists(&signer.principals, robot);
        let theirs = |one: &&Signer| robots.iter().any(|robot| is(one, robot));
        let keys = self.0.iter().filter(theirs);
        let keys: Vec<_> = keys.map(|one| one.key.clone()).collect();
        for signer in &mut self.0 {
            signer.robot = keys.contains(&signer.key);
        }
        let nobody = |robot: &&String| !self.0.iter().any(|one| is(one, robot));
        robots.iter().filter(nobody).map(String::as_str).collect()
    }

    /// The same, with a key that is a program's, whether it was there or not.
    #[must_use]
    pub fn with_robot(&self, key: &PublicKey, name: &str) -> Self {
        let mut signers = self.clone();
        signers.0.retain(|signer| signer.key != *key);
        signers.0.push(Signer {
            line: 0,
            principals: name.to_owned(),
            key: key.clone(),
            robot: true,
            namespaces: None,
            after: None,
            before: None,
        });
        signers
    }

    /// Whether nobody's signature counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines of a key.
    pub fn of<'a, 'k>(
        &'a self,
        key: &'k PublicKey,
    ) -> impl Iterator<Item = &'a Signer> + use<'a, 'k> {
        self.0.iter().filter(move |signer| signer.key == *key)
    }
}

impl Signer {
    /// Whether it counts for such signatures at all.
    pub(super) fn is_for(&self, namespace: &str) -> bool {
        let namespaces = self.namespaces.as_deref();
        namespaces.is_none_or(|patterns| pattern::lists(patterns, namespace))
    }

    /// The instant up to which it does not count yet, if it does not at `at`.
    pub(super) fn not_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.after.filter(|after| at < *after)
    }

    /// The instant from which it does not count any more, if it does not at `at`.
    pub(super) fn not_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.before.filter(|before| at > *before)
    }
}

/// Where in a line, and what is wrong there.
type Wrong<'a> = ((usize, &'a str), String);

fn fault(start: usize, line: usize, text: &str, place: (usize, &str), what: String) -> Fault {
    Fault {
        line,
        column: text[..place.0].chars().count() + 1,
        start: start + place.0,
        end: start + place.0 + place.1.len(),
        what,
    }
}

fn signer(text: &str, number: usize) -> Result<Signer, Wrong<'_>> {
    let whole = |what: &str| ((0, text), what.to_owned());
    let mut line = Line::new(text);
    let told = line.word().ok_or_else(|| whole("a quote is not closed"))?;
    let principals = unquoted(told.1).unwrap_or(told.1);
    if principals.is_empty() || principals.contains('"') {
        return Err((told, "the names before the key cannot be read".to_owned()));
    }
    let mut limits = Limits::default();
    if let Some(place) = line.peek().filter(|(_, word)| !is_kind(word)) {
        limits = Limits::read(place.1).map_err(|what| (place, what))?;
        line.word();
    }
    let kind = line.word().ok_or_else(|| whole("there is no key"))?;
    let place = line.word().ok_or_else(|| whole("there is no key"))?;
    let key = key(kind.1, place.1).map_err(|error| match error {
        KeyError::Kind(_) => (kind, error.to_string()),
        other => (place, other.to_string()),
    })?;
    Ok(Signer {
        line: number,
        principals: principals.to_owned(),
        key,
        robot: false,
        namespaces: limits.namespaces,
        after: limits.after,
        before: limits.before,
    })
}

fn key(kind: &str, text: &str) -> Result<PublicKey, KeyError> {
    if !KINDS.contains(&kind) {
        return Err(KeyError::Kind(kind.escape_debug().to_string()));
    }
    let blob = BASE64.decode(text.as_bytes());
    let key = PublicKey::read(&blob.map_err(|_| KeyError::Malformed)?)?;
    let named = key.kind() == kind;
    named.then_some(key).ok_or(KeyError::Malformed)
}

/// Whether a word is where a key begins, taken or not.
fn is_kind(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "webauthn-"]
        .iter()
        .any(|start| word.starts_with(start))
}

#[derive(Default)]
struct Limits {
    namespaces: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Limits {
    fn read(word: &str) -> Result<Self, String> {
        let mut limits = Self::default();
        for (name, value) in options(word) {
            if name == "cert-authority" {
                return Err("authorities of certificates are not taken: list the keys".to_owned());
            }
            let text = value.and_then(unquoted);
            let text = text.ok_or_else(|| format!("`{name}` says nothing between quotes"));
            let again = match name.as_str() {
                "namespaces" => limits.namespaces.replace(text?.to_owned()).is_some(),
                "valid-after" => limits.after.replace(read_instant(text?)?).is_some(),
                "valid-before" => limits.before.replace(read_instant(text?)?).is_some(),
                other => return Err(format!("there is no option `{}`", other.escape_debug())),
            };
            if again {
                return Err(format!("`{name}` stands twice"));
            }
        }
        Ok(limits)
    }
}

fn read_instant(text: &str) -> Result<Timestamp, String> {
    let wanted = || {
        let text = text.escape_debug();
        format!("`{text}` is no time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC")
    };
    instant::read(text).ok_or_else(wanted)
}
