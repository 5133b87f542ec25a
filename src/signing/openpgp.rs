//! What GPG writes, as far as it is read here: the armour of RFC 9580 §6.2, and where the packets within
//! begin and end, §4.2. What they say is for `gpgv`.

use data_encoding::BASE64;

/// What a text holds that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it: a phrase.
    pub what: &'static str,
}

/// The kind of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Signature,
    SecretKey,
    PublicKey,
    Other,
}

/// What is between `-----BEGIN PGP <kind>-----` and its end, for each such block. Around them are blank
/// lines and comments.
pub(super) fn blocks(text: &str, kind: &str) -> Result<Vec<Vec<u8>>, Broken> {
    let [begin, end] = ["BEGIN", "END"].map(|edge| format!("-----{edge} PGP {kind}-----"));
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim_end).zip(1..);
    while let Some((line, number)) = lines.next() {
        if line == begin {
            let mut within = lines.by_ref().map(|(line, _)| line);
            let block = block(&mut within, &end);
            blocks.push(block.map_err(|what| Broken { line: number, what })?);
        } else if !line.is_empty() && !line.starts_with('#') {
            let what = if line.contains("PRIVATE KEY") {
                PRIVATE
            } else {
                "it is neither a block of this kind nor a comment"
            };
            return Err(Broken { line: number, what });
        }
    }
    Ok(blocks)
}

/// What is to be said of a private key.
pub(super) const PRIVATE: &str =
    "a private key does not belong into a repository: revoke it, and add the public one";

fn block<'a>(
    lines: &mut impl Iterator<Item = &'a str>,
    end: &str,
) -> Result<Vec<u8>, &'static str> {
    for header in lines.by_ref() {
        if header.is_empty() {
            break;
        }
        if !header.contains(": ") {
            return Err("an empty line is missing before its data");
        }
    }
    let mut data = String::new();
    let mut sum = None;
    for line in lines {
        if line == end {
            let bytes = BASE64.decode(data.as_bytes());
            let bytes = bytes.map_err(|_| "its data are not base64")?;
            let fits = sum.is_none_or(|sum: &str| sum == BASE64.encode(&crc24(&bytes)));
            return fits
                .then_some(bytes)
                .ok_or("its data are not what its checksum is for");
        }
        match line.strip_prefix('=').filter(|rest| rest.len() == 4) {
            Some(rest) => sum = Some(rest),
            None => data.push_str(line),
        }
    }
    Err("its end is missing")
}

/// The checksum of RFC 9580 §6.1.
fn crc24(bytes: &[u8]) -> [u8; 3] {
    let sum = bytes.iter().fold(0x00b7_04ce_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 16, |sum, _| {
            let shifted = sum << 1;
            if shifted & 0x0100_0000 == 0 {
                shifted
            } else {
                shifted ^ 0x0186_4cfb
            }
        })
    });
    let [_, high, middle, low] = sum.to_be_bytes();
    [high, middle, low]
}

/// The kinds of the packets that bytes are made of; `None` where they are not wholly made of packets of
/// known length.
pub(super) fn packets(mut bytes: &[u8]) -> Option<Vec<Tag>> {
    let mut found = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        let (tag, (length, rest)) = match first {
            0x80..=0xbf => ((first >> 2) & 0x0f, old_length(first & 0x03, rest)?),
            0xc0..=0xff => (first & 0x3f, new_length(rest)?),
            _ => return None,
        };
        bytes = rest.get(length..)?;
        found.push(match tag {
            2 => Tag::Signature,
            5 | 7 => Tag::SecretKey,
            6 => Tag::PublicKey,
            _ => Tag::Other,
        });
    }
    Some(found)
}

/// A length as PGP 2 wrote it, and what follows it.
fn old_length(kind: u8, bytes: &[u8]) -> Option<(usize, &[u8])> {
    let octets = match kind {
        0 => 1,
        1 => 2,
        2 => 4,
        // Until the end, wherever that is.
        _ => return None,
    };
    let (length, rest) = bytes.split_at_checked(octets)?;
    Some((number(length), rest))
}

/// A length as `OpenPGP` writes it, and what follows it. A part of a length is none: keys and signatures
/// are never in parts.
fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [one @ 0..=191, rest @ ..] => Some((usize::from(*one), rest)),
        [one @ 192..=223, two, rest @ ..] => {
            let length = (usize::from(*one) - 192) << 8;
            Some((length + usize::from(*two) + 192, rest))
        }
        [255, rest @ ..] => old_length(2, rest),
        _ => None,
    }
}

fn number(octets: &[u8]) -> usize {
    octets
        .iter()
        .fold(0, |sum, octet| sum << 8 | usize::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hi`, which is no packet, in armour; the sum is `gpg --enarmor`'s.
    const HI: &str = "-----BEGIN PGP X-----\nComment: c\n\naGk=\n=Um4c\n-----END PGP X-----\n";

    #[test]
    fn blocks_are_read_with_comments_around_them() {
        let read = |text: &str| blocks(text, "X");
        let hi = || b"hi".to_vec();
        assert_eq!(read(HI), Ok(vec![hi()]));
        let two = format!("# Ada\n{HI}\n\n# Eve\r\n{}", HI.replace('\n', "\r\n"));
        assert_eq!(read(&two), Ok(vec![hi(), hi()]));
        assert_eq!(read(&HI.replace("=Um4c\n", "")), Ok(vec![hi()]), "no sum");
        assert_eq!(read("# nobody\n"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_block_is_told_by_its_line() {
        let check = |text: &str, line: usize, words: &str| {
            let broken = blocks(text, "X").unwrap_err();
            assert!(
                broken.line == line && broken.what.contains(words),
                "{broken:?}"
            );
        };
        check(&format!("\nAda:\n{HI}"), 2, "nor a comment");
        check("-----BEGIN PGP PRIVATE KEY BLOCK-----", 1, "revoke it");
        check(&format!("\n{}", HI.replace("\n\n", "\n")), 2, "empty line");
        check(&HI.replace("aGk=", "a*k="), 1, "not base64");
        check(&HI.replace("aGk=", "aGo="), 1, "checksum");
        check(&HI.replace("-----END", "----END"), 1, "end is missing");
        check("-----BEGIN PGP X-----", 1, "end is missing");
    }

    #[test]
    fn packets_have_lengths_of_several_forms() {
        let check = |bytes: &[u8], expect: Option<&[Tag]>| {
            assert_eq!(packets(bytes).as_deref(), expect, "{bytes:x?}");
        };
        check(&[], Some(&[]));
        check(
            &[0x88, 1, 7, 0xc6, 2, 7, 7],
            Some(&[Tag::Signature, Tag::PublicKey]),
        );
        check(&[0x95, 0, 1, 7], Some(&[Tag::SecretKey]));
        check(&[0x9e, 0, 0, 0, 1, 7], Some(&[Tag::SecretKey]));
        check(&[0xc2, 255, 0, 0, 0, 1, 7], Some(&[Tag::Signature]));
        let mut long = vec![0xd1, 192, 0];
        long.resize(3 + 192, 0);
        check(&long, Some(&[Tag::Other]));
        long.pop();
        check(&long, None);
        for bad in [
            &[0x02, 0][..],
            &[0x8b, 0],
            &[0xc2, 224, 0],
            &[0xc2],
            &[0x89, 0],
        ] {
            check(bad, None);
        }
    }
}
