//! Signatures that `ssh-keygen` and `git` made (`vectors/make.sh`), and what was done to them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::wire::put;
use super::*;
use crate::clock::Timestamp;
use crate::limits::{
    RSA_BITS_MAX, RSA_BITS_MIN, SIGNERS_BYTES_MAX, SIGNERS_MAX, SIGNING_KEY_BYTES_MAX,
};

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("vectors/", $name))
    };
}

const PAYLOAD: &str = vector!("payload.txt");
const ALLOWED: &str = vector!("allowed_signers");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn commit(signature: &str) -> Commit {
    Commit {
        payload: PAYLOAD.into(),
        signature: Some(signature.to_owned()),
    }
}

/// A list of keys without faults.
fn signers(text: &str) -> Signers {
    let (signers, faults) = Signers::read(text.as_bytes());
    assert_eq!(faults, [], "{text}");
    signers
}

/// Who signed, or why it does not count.
fn judged(commit: &Commit, allowed: &str) -> String {
    let signers = signers(allowed);
    match judge(commit, &signers, at("2026-01-01T00:00:00Z")) {
        Ok(signer) => signer.principals.clone(),
        Err(doubt) => doubt.to_string(),
    }
}

fn check(signature: &str, expect: &str) {
    assert_eq!(judged(&commit(signature), ALLOWED), expect);
}

/// The line of a key, with something between its names and the key.
fn limited(options: &str) -> String {
    let line = ALLOWED.lines().next().unwrap();
    let (who, key) = line.split_once(' ').unwrap();
    format!("{who} {options} {key}\n")
}

#[test]
fn what_each_kind_of_key_signed_counts() {
    check(vector!("ed25519.sig"), "ed25519@example.com");
    check(vector!("sha256.sig"), "ed25519@example.com");
    check(vector!("p256.sig"), "p256@example.com");
    check(vector!("p384.sig"), "p384@example.com");
    check(vector!("rsa.sig"), "rsa@example.com");
    let whole = read_commit(vector!("commit.txt").as_bytes()).unwrap();
    assert_eq!(judged(&whole, ALLOWED), "ed25519@example.com");
}

#[test]
fn what_was_changed_afterwards_does_not_count() {
    let forged = Doubt::Forged.to_string();
    for signature in [
        vector!("ed25519.sig"),
        vector!("p256.sig"),
        vector!("p384.sig"),
        vector!("rsa.sig"),
    ] {
        let mut other = commit(signature);
        other.payload[5] ^= 1;
        assert_eq!(judged(&other, ALLOWED), forged);
        other.payload.clear();
        assert_eq!(judged(&other, ALLOWED), forged);
        let bytes = sshsig::unarmour(signature).unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let text = format!(
                "{}\n{}\n-----END SSH SIGNATURE-----\n",
                sshsig::BEGIN,
                BASE64.encode(&bytes)
            );
            let said = judged(&commit(&text), ALLOWED);
            assert!(!said.contains("@example.com"), "byte {at}: {said}");
        }
        let bytes = &bytes[..bytes.len() - 1];
        let text = format!(
            "{}\n{}\n-----END SSH SIGNATURE-----\n",
            sshsig::BEGIN,
            BASE64.encode(bytes)
        );
        assert_eq!(
            judged(&commit(&text), ALLOWED),
            Doubt::Malformed.to_string()
        );
    }
    let git = vector!("commit.txt").replace("by git", "by Git");
    assert_eq!(
        judged(&read_commit(git.as_bytes()).unwrap(), ALLOWED),
        forged
    );
    // The signature of one key under the name of another.
    let signature = vector!("ed25519.sig");
    let bytes = sshsig::unarmour(signature).unwrap();
    let other = PublicKey::read(&p256_key()).unwrap();
    assert!(
        !sshsig::Sshsig::read(&bytes)
            .unwrap()
            .covers(&other, PAYLOAD.as_bytes())
    );
}

#[test]
fn what_is_no_signature_of_a_key_that_is_taken_is_named() {
    let unsigned = Commit {
        payload: PAYLOAD.into(),
        signature: None,
    };
    assert_eq!(judged(&unsigned, ALLOWED), "it is not signed");
    check(
        "-----BEGIN PGP SIGNATURE-----\n\nx\n",
        "it is signed with GPG, and `commits.gpg_keys` names no keys of GPG's",
    );
    check(
        "-----BEGIN SIGNED MESSAGE-----\nx\n",
        "it is signed with an X.509 certificate, and only signatures of SSH's and GPG's keys are taken",
    );
    check("x", "its signature cannot be read");
    check(
        "-----BEGIN SSH SIGNATURE-----\n!\n",
        "its signature cannot be read",
    );
    check(
        vector!("file.sig"),
        "its signature was made for `file` and not for `git`",
    );
    check(
        vector!("p521.sig"),
        "its signature is by a key that is not taken: a key of the kind `ecdsa-sha2-nistp521` is not \
         taken",
    );
    check(
        vector!("small.sig"),
        "its signature is by a key that is not taken: an RSA key of 1024 bits is not taken: 2048 to 8192 \
         are",
    );
}

#[test]
fn who_is_not_in_the_list_or_not_any_more_does_not_count() {
    let (_, fewer) = ALLOWED.split_once('\n').unwrap();
    let said = judged(&commit(vector!("ed25519.sig")), fewer);
    assert!(
        said.starts_with("it is signed by the key SHA256:"),
        "{said}"
    );
    assert!(
        said.ends_with(", which is not in the list of keys"),
        "{said}"
    );
    assert_eq!(
        judged(&commit(vector!("p256.sig")), fewer),
        "p256@example.com"
    );
    let nobody = format!("# {}", ALLOWED.replace('\n', "\n#"));
    assert!(signers(&nobody).is_empty());
    assert_eq!(judged(&commit(vector!("ed25519.sig")), &nobody), said);
}

#[test]
fn a_key_counts_in_its_time_and_for_what_it_is_for() {
    let check = |options: &str, expect: &str| {
        assert_eq!(
            judged(&commit(vector!("ed25519.sig")), &limited(options)),
            expect
        );
    };
    let counts = "ed25519@example.com";
    check("namespaces=\"git\"", counts);
    check("NAMESPACES=\"file,g*\"", counts);
    check(
        "valid-after=\"20260101\",valid-before=\"20260101Z\"",
        counts,
    );
    check("namespaces=\"git\",valid-after=\"20251231\"", counts);
    check(
        "namespaces=\"file\"",
        "it is signed by ed25519@example.com, whose key (line 1) is not for `git`",
    );
    check(
        "namespaces=\"*,!git\"",
        "it is signed by ed25519@example.com, whose key (line 1) is not for `git`",
    );
    check(
        "valid-after=\"20260101000001Z\"",
        "it is signed by ed25519@example.com, whose key (line 1) counts from 2026-01-01T00:00:01Z on \
         only, not at 2026-01-01T00:00:00Z",
    );
    check(
        "valid-before=\"202512312359\"",
        "it is signed by ed25519@example.com, whose key (line 1) counted until 2025-12-31T23:59:00Z \
         only, not at 2026-01-01T00:00:00Z",
    );
    let both = format!(
        "{}{}",
        limited("valid-before=\"20250101\""),
        ALLOWED.lines().next().unwrap()
    );
    assert_eq!(
        judged(&commit(vector!("ed25519.sig")), &both),
        counts,
        "one line counts"
    );
}

#[test]
fn faults_of_a_list_are_told_in_their_places() {
    let key = ALLOWED.lines().next().unwrap().split_once(' ').unwrap().1;
    let check = |line: &str, place: &str, what: &str| {
        let text = format!("# a comment\n\n  {line}\r\n");
        let (signers, faults) = Signers::read(text.as_bytes());
        assert!(signers.is_empty() && faults.len() == 1, "{text} {faults:?}");
        let fault = &faults[0];
        assert_eq!(
            (&text[fault.start..fault.end], fault.what.as_str()),
            (place, what)
        );
        assert_eq!(fault.line, 3);
        let before = &text[..fault.start];
        let column = before.chars().count() - before.rfind('\n').unwrap();
        assert_eq!(fault.column, column);
    };
    check("ada", "  ada", "there is no key");
    check("ada ssh-ed25519", "  ada ssh-ed25519", "there is no key");
    check("\"ada x", "  \"ada x", "a quote is not closed");
    check(
        "ad\"a\" x",
        "ad\"a\"",
        "the names before the key cannot be read",
    );
    check("ada ssh-ed25519 !", "!", "the key cannot be read");
    check("ada ssh-ed25519 AAAA", "AAAA", "the key cannot be read");
    let other = key.replace("ssh-ed25519", "ssh-rsa");
    check(
        &format!("ada {other}"),
        &other[8..],
        "the key cannot be read",
    );
    let cert = key.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com");
    check(
        &format!("ada {cert}"),
        "ssh-ed25519-cert-v01@openssh.com",
        "a key of the kind `ssh-ed25519-cert-v01@openssh.com` is not taken",
    );
    let options = |options: &str, what: &str| {
        check(&format!("ada {options} {key}"), options, what);
    };
    options(
        "cert-authority",
        "authorities of certificates are not taken: list the keys",
    );
    options(
        "cert-authority,namespaces=\"git\"",
        "authorities of certificates are not taken: list the keys",
    );
    options("namespaces=git", "`namespaces` says nothing between quotes");
    options("x=\"y\"", "there is no option `x`");
    options(
        "namespaces=\"a\",namespaces=\"b\"",
        "`namespaces` stands twice",
    );
    options(
        "valid-after=\"soon\"",
        "`soon` is no time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC",
    );
    let refused = vector!("refused.txt").lines().map(|line| {
        let (_, faults) = Signers::read(line.as_bytes());
        faults[0].what.clone()
    });
    let expect = [
        "a key of the kind `ecdsa-sha2-nistp521` is not taken",
        "an RSA key of 1024 bits is not taken: 2048 to 8192 are",
    ];
    assert!(refused.eq(expect));
    assert_eq!(Signers::read(b"\xff").1[0].what, "it is no text");
}

#[test]
fn a_list_is_bounded() {
    let line = ALLOWED.lines().next().unwrap();
    let many = format!("{line}\n").repeat(SIGNERS_MAX + 1);
    let (signers, faults) = Signers::read(many.as_bytes());
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].line, signers.is_empty()),
        (SIGNERS_MAX + 1, false)
    );
    let (_, faults) = Signers::read(&many.as_bytes()[..(line.len() + 1) * SIGNERS_MAX]);
    assert_eq!(faults, []);
    let long = format!("{line}\n#").into_bytes();
    let padded = |length: usize| [long.clone(), vec![b'x'; length - long.len()]].concat();
    assert!(!Signers::read(&padded(SIGNERS_BYTES_MAX)).0.is_empty());
    let (signers, faults) = Signers::read(&padded(SIGNERS_BYTES_MAX + 1));
    assert!(signers.is_empty() && faults.len() == 1, "{faults:?}");
}

#[test]
fn an_rsa_key_has_so_many_bits() {
    let check = |bits: usize, expect: Result<(), KeyError>| {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= modulus.len() * 8 - bits;
        let mut blob = Vec::new();
        for part in [&b"ssh-rsa"[..], &[1, 0, 1], &[vec![0], modulus].concat()] {
            put(&mut blob, part);
        }
        assert_eq!(PublicKey::read(&blob).map(drop), expect, "{bits}");
    };
    check(RSA_BITS_MIN, Ok(()));
    check(RSA_BITS_MAX, Ok(()));
    for bits in [1, RSA_BITS_MIN - 1, RSA_BITS_MAX + 1] {
        check(bits, Err(KeyError::Bits(bits)));
    }
}

#[test]
fn a_key_that_may_sign_as_a_program_is_a_programs() {
    let robots = |text: &str, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut signers = signers(text);
        let nobody: Vec<_> = signers
            .appoint(&names)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let signer = judge(
            &commit(vector!("ed25519.sig")),
            &signers,
            Timestamp::UNIX_EPOCH,
        );
        (signer.unwrap().robot, nobody)
    };
    let named = |who: &str| ALLOWED.replace("ed25519@example.com", who);
    assert_eq!(robots(ALLOWED, &[]), (false, vec![]));
    assert_eq!(robots(ALLOWED, &["ed25519@example.com"]), (true, vec![]));
    assert_eq!(robots(ALLOWED, &["p256@example.com"]), (false, vec![]));
    assert_eq!(robots(ALLOWED, &["bot"]), (false, vec!["bot".to_owned()]));
    assert_eq!(robots(&named("ada,bot"), &["bot"]), (true, vec![]));
    assert_eq!(robots(&named("\"ada,b*\""), &["bot"]), (true, vec![]));
    let (robot, nobody) = robots(&named("b*,!bot"), &["bot"]);
    assert_eq!((robot, nobody.len()), (false, 1));
    // A second line of the same key takes nothing away from the first.
    let twice = format!("{}{}", named("ada"), named("bot"));
    assert_eq!(robots(&twice, &["bot"]), (true, vec![]));
    let key = PublicKey::read(&p256_key()).unwrap();
    let signers = signers("").with_robot(&key, "trueup");
    let signed = commit(vector!("p256.sig"));
    let signer = judge(&signed, &signers, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((signer.principals.as_str(), signer.robot), ("trueup", true));
}

fn p256_key() -> Vec<u8> {
    let line = ALLOWED.lines().nth(1).unwrap();
    BASE64
        .decode(line.split(' ').nth(2).unwrap().as_bytes())
        .unwrap()
}

/// What a token answers: it signs what it was made for, that it was touched, and how often.
#[test]
fn what_a_touched_token_signed_counts() {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let kind = b"sk-ecdsa-sha2-nistp256@openssh.com";
    let mut blob = Vec::new();
    for part in [&kind[..], b"nistp256", pair.public_key().as_ref(), b"ssh:"] {
        put(&mut blob, part);
    }
    let signed = |flags: u8, counter: u8| {
        let sign = |message: &[u8]| {
            let parts = [
                &Sha256::digest("ssh:")[..],
                &[flags, 0, 0, 0, 7],
                &Sha256::digest(message),
            ];
            let numbers = pair.sign(&random, &parts.concat()).unwrap();
            let (mut inner, mut signature) = (Vec::new(), Vec::new());
            for number in numbers.as_ref().chunks(32) {
                put(&mut inner, &[&[0], number].concat());
            }
            put(&mut signature, kind);
            put(&mut signature, &inner);
            signature.extend([flags, 0, 0, 0, counter]);
            signature
        };
        sshsig::make(&blob, NAMESPACE, PAYLOAD.as_bytes(), sign)
    };
    let key = BASE64.encode(&blob);
    let allowed = format!("ada sk-ecdsa-sha2-nistp256@openssh.com {key}\n");
    assert_eq!(judged(&commit(&signed(1, 7)), &allowed), "ada");
    let forged = Doubt::Forged.to_string();
    assert_eq!(judged(&commit(&signed(1, 8)), &allowed), forged);
    assert_eq!(
        judged(&commit(&signed(0, 7)), &allowed),
        forged,
        "nobody touched it"
    );
}

#[test]
fn what_it_signs_itself_is_what_ssh_keygen_signs() {
    let key = SigningKey::read(vector!("ed25519.key")).unwrap();
    assert_eq!(key.sign(PAYLOAD.as_bytes()), vector!("ed25519.sig"));
    let listed = signers(ALLOWED);
    assert_eq!(listed.of(key.public()).count(), 1);
    let shown = format!("{key:?}");
    assert!(
        shown.starts_with("SigningKey(SHA256:") && shown.len() < 64,
        "{shown}"
    );
}

#[test]
fn a_file_that_is_no_key_to_sign_with_is_refused() {
    let check = |text: &str, why| assert_eq!(SigningKey::read(text).map(drop), Err(why));
    check(vector!("locked.key"), PrivateKeyError::Passphrase);
    let kind = "ecdsa-sha2-nistp256".to_owned();
    check(vector!("p256.key"), PrivateKeyError::Kind(kind));
    let text = vector!("ed25519.key");
    check("", PrivateKeyError::Malformed);
    check(vector!("allowed_signers"), PrivateKeyError::Malformed);
    check(&text.replace("AAA", "AAB"), PrivateKeyError::Malformed);
    let padded = |length: usize| format!("{}{text}", " ".repeat(length - text.len()));
    assert!(SigningKey::read(&padded(SIGNING_KEY_BYTES_MAX)).is_ok());
    check(
        &padded(SIGNING_KEY_BYTES_MAX + 1),
        PrivateKeyError::Malformed,
    );
}
