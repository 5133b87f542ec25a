//! Public keys of SSH, and what they sign.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use data_encoding::BASE64_NOPAD;
use sha2::{Digest as _, Sha256};

use super::wire::Reader;
use crate::limits::{RSA_BITS_MAX, RSA_BITS_MIN};

/// A key that signatures are judged by.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    blob: Vec<u8>,
    material: Material,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    Plain(Curve, Vec<u8>),
    /// A key that lives in a token, and what it was made for.
    Token(Curve, Vec<u8>, String),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    Ed25519,
    P256,
    P384,
}

/// Why a key is not one that signatures are judged by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Of a kind that is not taken.
    #[error("a key of the kind `{0}` is not taken")]
    Kind(String),
    /// RSA, shorter or longer than is taken.
    #[error("an RSA key of {0} bits is not taken: {RSA_BITS_MIN} to {RSA_BITS_MAX} are")]
    Bits(usize),
    /// Not the bytes of a key.
    #[error("the key cannot be read")]
    Malformed,
}

/// The kinds of keys that are taken, as lines of keys name them.
pub(super) const KINDS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// That the owner of a token touched it.
const TOUCHED: u8 = 1;

impl PublicKey {
    /// Reads a key in the form that goes over the wire.
    pub fn read(blob: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader(blob);
        let kind = reader.text().ok_or(KeyError::Malformed)?;
        let material = material(kind, reader)?;
        Ok(Self {
            blob: blob.to_vec(),
            material,
        })
    }

    /// In the form that goes over the wire.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// What a line of keys calls its kind.
    pub(super) fn kind(&self) -> &'static str {
        match &self.material {
            Material::Plain(curve, _) => curve.kind(),
            Material::Token(curve, ..) => curve.token_kind().unwrap_or_default(),
            Material::Rsa { .. } => "ssh-rsa",
        }
    }

    /// Whether `signature`, in SSH's form, is this key's over `message`.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.check(message, signature).is_some()
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let mut reader = Reader(signature);
        let algorithm = reader.text()?;
        let bytes = reader.string()?;
        match &self.material {
            Material::Rsa { modulus, exponent } => {
                reader.end()?;
                let parameters = match algorithm {
                    "rsa-sha2-256" => &RSA_PKCS1_2048_8192_SHA256,
                    "rsa-sha2-512" => &RSA_PKCS1_2048_8192_SHA512,
                    // With SHA-1, which can be forged.
                    _ => return None,
                };
                let components = PublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                components.verify(parameters, message, bytes).ok()
            }
            Material::Plain(curve, point) => {
                reader.end()?;
                (algorithm == curve.kind()).then_some(())?;
                curve.verify(point, message, bytes)
            }
            Material::Token(curve, point, application) => {
                let flags = reader.byte()?;
                let counter = reader.number()?;
                reader.end()?;
                (algorithm == curve.token_kind()? && flags & TOUCHED != 0).then_some(())?;
                let mut signed = Sha256::digest(application).to_vec();
                signed.push(flags);
                signed.extend(counter.to_be_bytes());
                signed.extend(Sha256::digest(message));
                curve.verify(point, &signed, bytes)
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", fingerprint(&self.blob))
    }
}

fn material(kind: &str, mut reader: Reader<'_>) -> Result<Material, KeyError> {
    let malformed = || KeyError::Malformed;
    let material = match kind {
        "ssh-ed25519" => Curve::Ed25519.plain(&mut reader),
        "ecdsa-sha2-nistp256" => Curve::P256.plain(&mut reader),
        "ecdsa-sha2-nistp384" => Curve::P384.plain(&mut reader),
        "sk-ssh-ed25519@openssh.com" => Curve::Ed25519.token(&mut reader),
        "sk-ecdsa-sha2-nistp256@openssh.com" => Curve::P256.token(&mut reader),
        "ssh-rsa" => rsa(&mut reader)?,
        other => return Err(KeyError::Kind(other.escape_debug().to_string())),
    };
    reader.end().ok_or_else(malformed)?;
    material.ok_or_else(malformed)
}

fn rsa(reader: &mut Reader<'_>) -> Result<Option<Material>, KeyError> {
    let (Some(exponent), Some(modulus)) = (reader.big(), reader.big()) else {
        return Ok(None);
    };
    let spare = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(spare as usize);
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(KeyError::Bits(bits));
    }
    Ok(Some(Material::Rsa {
        modulus: modulus.to_vec(),
        exponent: exponent.to_vec(),
    }))
}

impl Curve {
    fn kind(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::P256 => "ecdsa-sha2-nistp256",
            Self::P384 => "ecdsa-sha2-nistp384",
        }
    }

    fn token_kind(self) -> Option<&'static str> {
        match self {
            Self::Ed25519 => Some("sk-ssh-ed25519@openssh.com"),
            Self::P256 => Some("sk-ecdsa-sha2-nistp256@openssh.com"),
            Self::P384 => None,
        }
    }

    /// The curve's name within a key, where it is there, and how long a coordinate is.
    fn shape(self) -> (Option<&'static str>, usize) {
        match self {
            Self::Ed25519 => (None, 32),
            Self::P256 => (Some("nistp256"), 32),
            Self::P384 => (Some("nistp384"), 48),
        }
    }

    fn point(self, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let (name, length) = self.shape();
        let whole = match name {
            Some(name) => {
                (reader.text()? == name).then_some(())?;
                1 + 2 * length
            }
            None => length,
        };
        let point = reader.string()?;
        (point.len() == whole).then(|| point.to_vec())
    }

    fn plain(self, reader: &mut Reader<'_>) -> Option<Material> {
        Some(Material::Plain(self, self.point(reader)?))
    }

    fn token(self, reader: &mut Reader<'_>) -> Option<Material> {
        let point = self.point(reader)?;
        Some(Material::Token(self, point, reader.text()?.to_owned()))
    }

    fn verify(self, point: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        let (algorithm, signature): (&'static dyn VerificationAlgorithm, _) = match self {
            Self::Ed25519 => (&ED25519, signature.to_vec()),
            Self::P256 => (&ECDSA_P256_SHA256_FIXED, self.fixed(signature)?),
            Self::P384 => (&ECDSA_P384_SHA384_FIXED, self.fixed(signature)?),
        };
        let key = UnparsedPublicKey::new(algorithm, point);
        key.verify(message, &signature).ok()
    }

    /// The two numbers of an ECDSA signature, each as long as a coordinate.
    fn fixed(self, signature: &[u8]) -> Option<Vec<u8>> {
        let length = self.shape().1;
        let mut reader = Reader(signature);
        let mut fixed = Vec::with_capacity(2 * length);
        for _ in 0..2 {
            let number = reader.big()?;
            fixed.resize(fixed.len() + length.checked_sub(number.len())?, 0);
            fixed.extend(number);
        }
        reader.end()?;
        Some(fixed)
    }
}

/// A key's digest, as `ssh-keygen -l` shows it. Takes the key in the form that goes over the wire.
pub fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(blob)))
}
