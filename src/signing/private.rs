//! The key that trueup signs its own commits with.

use std::fmt;

use aws_lc_rs::signature::Ed25519KeyPair;

use super::key::{PublicKey, fingerprint};
use super::wire::{Reader, put, unarmour};
use super::{NAMESPACE, sshsig};
use crate::limits::SIGNING_KEY_BYTES_MAX;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const KIND: &str = "ssh-ed25519";

/// A private key of the kind `ssh-ed25519`.
pub struct SigningKey {
    public: PublicKey,
    pair: Ed25519KeyPair,
}

/// Why a file is no key to sign with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// Not a private key in OpenSSH's own form, or a broken one.
    #[error("it is not a private key in OpenSSH's form")]
    Malformed,
    /// It has a passphrase, and there is nobody to ask.
    #[error("it has a passphrase, and nobody is there to be asked for it")]
    Passphrase,
    /// Of another kind.
    #[error("it is a key of the kind `{0}`, and only `{KIND}` signs")]
    Kind(String),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", fingerprint(self.public.blob()))
    }
}

impl SigningKey {
    /// Reads a private key as `ssh-keygen -t ed25519` writes it.
    pub fn read(text: &str) -> Result<Self, PrivateKeyError> {
        if text.len() > SIGNING_KEY_BYTES_MAX {
            return Err(PrivateKeyError::Malformed);
        }
        let bytes = unarmour(text, BEGIN, END).ok_or(PrivateKeyError::Malformed)?;
        let file = File::read(&bytes).ok_or(PrivateKeyError::Malformed)?;
        if file.cipher != "none" {
            return Err(PrivateKeyError::Passphrase);
        }
        match Reader(file.public).text() {
            Some(KIND) => Self::of(&file).ok_or(PrivateKeyError::Malformed),
            Some(kind) => Err(PrivateKeyError::Kind(kind.escape_debug().to_string())),
            None => Err(PrivateKeyError::Malformed),
        }
    }

    fn of(file: &File<'_>) -> Option<Self> {
        let public = PublicKey::read(file.public).ok()?;
        let mut reader = Reader(file.private);
        // Twice the same number: that the right passphrase was given.
        (reader.number()? == reader.number()?).then_some(())?;
        (reader.text()? == KIND).then_some(())?;
        let point = reader.string()?;
        let (seed, rest) = reader.string()?.split_at_checked(32)?;
        let mut blob = Vec::new();
        put(&mut blob, KIND.as_bytes());
        put(&mut blob, point);
        (blob == public.blob() && rest == point).then_some(())?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, point).ok()?;
        Some(Self { public, pair })
    }

    /// The key by which others judge what it signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of a commit object, armoured as Git's header takes it.
    pub fn sign(&self, payload: &[u8]) -> String {
        sshsig::make(self.public.blob(), NAMESPACE, payload, |message| {
            let mut signature = Vec::new();
            put(&mut signature, KIND.as_bytes());
            put(&mut signature, self.pair.sign(message).as_ref());
            signature
        })
    }
}

/// A file of one private key.
struct File<'a> {
    cipher: &'a str,
    public: &'a [u8],
    private: &'a [u8],
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        (reader.take(MAGIC.len())? == MAGIC).then_some(())?;
        let cipher = reader.text()?;
        let (_derivation, _parameters) = (reader.string()?, reader.string()?);
        (reader.number()? == 1).then_some(())?;
        let file = Self {
            cipher,
            public: reader.string()?,
            private: reader.string()?,
        };
        Some(file)
    }
}
