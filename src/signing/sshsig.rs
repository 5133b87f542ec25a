//! SSH's signatures of files, armoured as in PROTOCOL.sshsig.

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256, Sha512};

use super::key::{KeyError, PublicKey};
use super::wire::{self, Reader, put};

/// How an armoured signature begins.
pub(super) const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const LINE: usize = 70;

/// A signature, taken apart. Who made it is not known before [`Self::covers`] says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sshsig<'a> {
    /// The key that it says it is by.
    pub(super) key: Result<PublicKey, KeyError>,
    /// What it says that it is for.
    pub(super) namespace: &'a str,
    digest: Digest,
    reserved: &'a [u8],
    signature: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha256,
    Sha512,
}

impl Digest {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// The bytes within a signature's armour.
pub(super) fn unarmour(text: &str) -> Option<Vec<u8>> {
    wire::unarmour(text, BEGIN, END)
}

/// Bytes in armour.
fn armour(bytes: &[u8]) -> String {
    let mut text = format!("{BEGIN}\n");
    let body = BASE64.encode(bytes);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str(END);
    text.push('\n');
    text
}

impl<'a> Sshsig<'a> {
    /// Takes a signature apart; `None` where it is none.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        (reader.take(MAGIC.len())? == MAGIC).then_some(())?;
        (reader.number()? == VERSION).then_some(())?;
        let key = PublicKey::read(reader.string()?);
        let namespace = reader.text()?;
        let reserved = reader.string()?;
        let digest = match reader.text()? {
            "sha256" => Digest::Sha256,
            "sha512" => Digest::Sha512,
            _ => return None,
        };
        let signature = reader.string()?;
        reader.end()?;
        Some(Self {
            key,
            namespace,
            digest,
            reserved,
            signature,
        })
    }

    /// Whether `key` made it, over `message`.
    pub(super) fn covers(&self, key: &PublicKey, message: &[u8]) -> bool {
        let signed = signed(self.namespace, self.reserved, self.digest, message);
        key.has_signed(&signed, self.signature)
    }
}

/// What a key signs for a message.
fn signed(namespace: &str, reserved: &[u8], digest: Digest, message: &[u8]) -> Vec<u8> {
    let mut signed = MAGIC.to_vec();
    put(&mut signed, namespace.as_bytes());
    put(&mut signed, reserved);
    put(&mut signed, digest.name().as_bytes());
    put(&mut signed, &digest.of(message));
    signed
}

/// The armoured signature of `message`. `key` is in the form that goes over the wire, `sign` gives its
/// signature of some bytes, in SSH's form.
pub(super) fn make(
    key: &[u8],
    namespace: &str,
    message: &[u8],
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_be_bytes());
    put(&mut bytes, key);
    put(&mut bytes, namespace.as_bytes());
    put(&mut bytes, b"");
    put(&mut bytes, Digest::Sha512.name().as_bytes());
    let signed = signed(namespace, b"", Digest::Sha512, message);
    put(&mut bytes, &sign(&signed));
    armour(&bytes)
}
