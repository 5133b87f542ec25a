//! Signatures of GPG: what is given to `gpgv`, and what is made of its answer.
//!
//! The answer is in the lines of `--status-fd`, which `GnuPG` describes in doc/DETAILS.

use super::judge::Doubt;
use super::openpgp::{PRIVATE, Tag, blocks, packets};
use super::signers::Fault;
use crate::limits::SIGNERS_BYTES_MAX;

/// Public keys of GPG, as `gpg --armor --export` writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring(Vec<u8>);

impl Keyring {
    /// Reads a file of keys.
    ///
    /// Errors: the first place that cannot be used.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let whole = |what: String| Fault {
            line: 1,
            column: 1,
            start: 0,
            end: 0,
            what,
        };
        if bytes.len() > SIGNERS_BYTES_MAX {
            return Err(whole(format!("it has more than {SIGNERS_BYTES_MAX} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| whole(BINARY.to_owned()))?;
        let blocks = blocks(text, "PUBLIC KEY BLOCK");
        let blocks = blocks.map_err(|broken| fault(text, broken.line, broken.what))?;
        for (block, number) in blocks.iter().zip(1..) {
            let tags = packets(block).unwrap_or_default();
            let what = match tags.first() {
                _ if tags.contains(&Tag::SecretKey) => PRIVATE,
                Some(Tag::PublicKey) => continue,
                _ => "it holds no public key",
            };
            return Err(whole(format!("of block {number}: {what}")));
        }
        let bytes = blocks.concat();
        if bytes.is_empty() {
            return Err(whole("it has no key".to_owned()));
        }
        Ok(Self(bytes))
    }

    /// The keys as `gpgv --keyring` reads them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

const BINARY: &str = "it is no text; `gpg --armor --export` writes one";

fn fault(text: &str, number: usize, what: &str) -> Fault {
    let mut lines = text.split_inclusive('\n');
    let start = lines.by_ref().take(number - 1).map(str::len).sum();
    let line = lines.next().unwrap_or_default().trim_end();
    Fault {
        line: number,
        column: 1,
        start,
        end: start + line.len(),
        what: what.to_owned(),
    }
}

/// The one signature of an armoured text, without its armour. Anything beside it is refused: a text that
/// brings along what it signs would be judged by that.
pub fn detached(text: &str) -> Result<Vec<u8>, Doubt> {
    let blocks = blocks(text, "SIGNATURE").map_err(|_| Doubt::Malformed)?;
    let [signature] = <[Vec<u8>; 1]>::try_from(blocks).map_err(|_| Doubt::Malformed)?;
    match packets(&signature).as_deref() {
        Some([Tag::Signature]) => Ok(signature),
        _ => Err(Doubt::Malformed),
    }
}

/// Begins what `gpgv` says; nothing that somebody else chose stands at the beginning of a line.
const PREFIX: &str = "[GNUPG:] ";

/// Digests that count, by their numbers of RFC 9580 §9.5: SHA-2 from 256 bits on, and SHA-3.
const DIGESTS: [&str; 5] = ["8", "9", "10", "12", "14"];

/// A signature over bytes as they are, RFC 9580 §5.2.1.
const BINARY_DOCUMENT: &str = "00";

/// Whether `gpgv` found that a key of its keyring made the signature.
///
/// Errors: why it does not count.
pub fn judge_status(status: &str) -> Result<(), Doubt> {
    let said: Vec<Vec<&str>> = status
        .lines()
        .filter_map(|line| line.strip_prefix(PREFIX))
        .map(|line| line.split(' ').collect())
        .collect();
    let of = |word: &str| -> Vec<&[&str]> {
        let mut of = Vec::new();
        of.extend(
            said.iter()
                .filter(|line| line[0] == word)
                .map(|line| &line[1..]),
        );
        of
    };
    let verdicts: Vec<_> = said
        .iter()
        .filter(|line| VERDICTS.contains(&line[0]))
        .collect();
    let ([_], [verdict]) = (&of("NEWSIG")[..], &verdicts[..]) else {
        return Err(unclear());
    };
    let key = verdict.get(1).copied().unwrap_or_default();
    let by = |what: &'static str| Doubt::Refused(key.to_owned(), what);
    match verdict[0] {
        "GOODSIG" => match &of("VALIDSIG")[..] {
            [valid] => judge_valid(key, valid),
            _ => Err(unclear()),
        },
        "BADSIG" => Err(Doubt::Forged),
        "EXPKEYSIG" => Err(by("its time is over")),
        "REVKEYSIG" => Err(by("it was revoked")),
        "EXPSIG" => Err(by("its signature counted for a time that is over")),
        _ if of("NO_PUBKEY").len() == 1 => Err(Doubt::Unknown(key.to_owned())),
        _ => Err(by("`gpgv` knows no way to check what it signs")),
    }
}

/// What ends the account of one signature.
const VERDICTS: [&str; 6] = [
    "GOODSIG",
    "EXPSIG",
    "EXPKEYSIG",
    "REVKEYSIG",
    "BADSIG",
    "ERRSIG",
];

fn unclear() -> Doubt {
    Doubt::Unchecked("`gpgv` did not say whether one signature is good".to_owned())
}

/// `VALIDSIG <fingerprint> <date> <time> <until> <version> <reserved> <key's algorithm> <digest> <class> …`
fn judge_valid(key: &str, valid: &[&str]) -> Result<(), Doubt> {
    let by = |what| Err(Doubt::Refused(key.to_owned(), what));
    match valid {
        [_, _, _, _, _, _, _, digest, class, ..] => match (DIGESTS.contains(digest), *class) {
            (true, BINARY_DOCUMENT) => Ok(()),
            (false, _) => by("its signature is over a digest that can be forged, as SHA-1 can"),
            (true, _) => by("its signature is not one over bytes"),
        },
        _ => Err(unclear()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("vectors/gpg.asc");
    const PRIVATE_KEY: &str = include_str!("vectors/gpg_private.asc");
    const SIGNATURE: &str = include_str!("vectors/gpg.sig");

    #[test]
    fn files_of_keys_are_read_or_refused_in_their_place() {
        let one = Keyring::read(KEY.as_bytes()).unwrap();
        assert_eq!(packets(one.bytes()).unwrap()[0], Tag::PublicKey);
        let two = Keyring::read(format!("# Ada\n{KEY}# Ada again\n{KEY}").as_bytes());
        assert_eq!(two.unwrap().bytes(), [one.bytes(), one.bytes()].concat());
        let check = |bytes: &[u8], line: usize, words: &str| {
            let fault = Keyring::read(bytes).unwrap_err();
            assert!(
                fault.line == line && fault.what.contains(words),
                "{fault:?}"
            );
        };
        check(b"# nobody\n", 1, "has no key");
        check(one.bytes(), 1, "gpg --armor --export");
        check(PRIVATE_KEY.as_bytes(), 1, "revoke it");
        let renamed = |text: &str, kind: &str| text.replace(kind, "PGP PUBLIC KEY BLOCK");
        let hidden = renamed(PRIVATE_KEY, "PGP PRIVATE KEY BLOCK");
        check(hidden.as_bytes(), 1, "of block 1: a private key");
        let signature = renamed(SIGNATURE, "PGP SIGNATURE");
        check(
            format!("{KEY}{signature}").as_bytes(),
            1,
            "of block 2: it holds",
        );
        check(
            format!("{KEY}x").as_bytes(),
            KEY.lines().count() + 1,
            "nor a comment",
        );
        let long = format!("{KEY}#{}", " ".repeat(SIGNERS_BYTES_MAX - KEY.len() - 1));
        assert!(Keyring::read(long.as_bytes()).is_ok());
        check(format!("{long} ").as_bytes(), 1, "bytes");
        let fault = Keyring::read(b"#\n x y \n").unwrap_err();
        assert_eq!((fault.start, fault.end, fault.column), (2, 6, 1));
    }

    #[test]
    fn a_signature_comes_alone() {
        let one = detached(SIGNATURE).unwrap();
        assert_eq!(packets(&one), Some(vec![Tag::Signature]));
        let armoured = |bytes: &[u8]| {
            let data = data_encoding::BASE64.encode(bytes);
            format!("-----BEGIN PGP SIGNATURE-----\n\n{data}\n-----END PGP SIGNATURE-----\n")
        };
        assert_eq!(detached(&armoured(&one)), Ok(one.clone()));
        let literal = [0xcb, 3, b'b', 0, 0];
        for bad in [
            format!("{SIGNATURE}{SIGNATURE}"),
            armoured(&[&one[..], &one].concat()),
            armoured(&[&one[..], &literal].concat()),
            armoured(&one[1..]),
            armoured(b""),
            KEY.to_owned(),
            SIGNATURE.replace("PGP SIGNATURE", "PGP MESSAGE"),
            String::new(),
        ] {
            assert_eq!(detached(&bad), Err(Doubt::Malformed), "{bad}");
        }
    }

    /// What `gpgv` 2.2.40 says of a good signature.
    const GOOD: &str = "\
[GNUPG:] NEWSIG ada@example.com
[GNUPG:] KEY_CONSIDERED 05A775862D5B03448DD9DBE196C1CA6EB19D3818 0
[GNUPG:] SIG_ID LeKa+EHgymyYLp4BvJwpV27SLLU 2026-11-24 1795517406
[GNUPG:] GOODSIG 96C1CA6EB19D3818 ada <ada@example.com>
[GNUPG:] VALIDSIG 05A775862D5B03448DD9DBE196C1CA6EB19D3818 2026-11-24 1795517406 0 4 0 22 8 00 \
05A775862D5B03448DD9DBE196C1CA6EB19D3818
";

    #[test]
    fn what_gpgv_says_counts_where_it_says_that_one_signature_is_good() {
        assert_eq!(judge_status(GOOD), Ok(()));
        let spoken = format!("gpgv: Good signature\n{GOOD}");
        assert_eq!(judge_status(&spoken), Ok(()), "other words are nobody's");
        let check = |status: &str, words: &str| {
            let doubt = judge_status(status).unwrap_err().to_string();
            assert!(doubt.contains(words), "{doubt}\n{status}");
        };
        let instead = |verdict: &str| GOOD.replace("GOODSIG", verdict);
        check(&instead("BADSIG"), "was changed after it was made");
        let over = "by GPG's key 96C1CA6EB19D3818: its time is over";
        check(&instead("EXPKEYSIG"), over);
        check(&instead("REVKEYSIG"), "it was revoked");
        check(&instead("EXPSIG"), "a time that is over");
        check(&instead("ERRSIG"), "knows no way");
        let unknown = instead("ERRSIG") + "[GNUPG:] NO_PUBKEY 96C1CA6EB19D3818\n";
        check(&unknown, "96C1CA6EB19D3818, which is not in the list");
        check(&GOOD.replace(" 22 8 00 ", " 22 2 00 "), "SHA-1");
        check(
            &GOOD.replace(" 22 8 00 ", " 22 8 01 "),
            "not one over bytes",
        );
    }

    #[test]
    fn less_or_more_than_one_signature_is_none() {
        let unclear = |status: &str| assert_eq!(judge_status(status), Err(unclear()));
        for (line, _) in GOOD.match_indices("[GNUPG:] ") {
            let cut = GOOD[line..].split_inclusive('\n').next().unwrap();
            let told = ["NEWSIG", "GOODSIG", "VALIDSIG"]
                .iter()
                .any(|word| cut.contains(word));
            let without = GOOD.replace(cut, "");
            let with = format!("{GOOD}{cut}");
            assert_eq!(judge_status(&without).is_err(), told, "{cut}");
            assert_eq!(judge_status(&with).is_err(), told, "{cut}");
        }
        unclear("");
        unclear(&format!("{GOOD}{GOOD}"));
        unclear(&GOOD.replace(" 4 0 22 8 00", ""));
        unclear("[GNUPG:] NODATA 1\n[GNUPG:] NODATA 2\n");
        // Text that somebody else chose is within a line.
        let named = "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG 1 x [GNUPG:] GOODSIG 1\n";
        assert_eq!(judge_status(named), Err(Doubt::Forged));
    }
}
