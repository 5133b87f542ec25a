//! The bytes that SSH is made of: RFC 4251, section 5.

use data_encoding::BASE64;

/// Reads from the front of some bytes; `None` where they end too soon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|one| one[0])
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let four = self.take(4)?;
        Some(u32::from_be_bytes(four.try_into().ok()?))
    }

    /// Bytes that their length stands before.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// A number of any size that is not negative, without leading zeros.
    pub(super) fn big(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return None;
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(&bytes[zeros..])
    }

    /// That nothing follows.
    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Writes bytes with their length before them.
pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("what is written is short");
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

/// The bytes in base 64 between two lines.
pub(super) fn unarmour(text: &str, begin: &str, end: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix(begin)?.strip_suffix(end)?;
    let body: String = body.split_ascii_whitespace().collect();
    BASE64.decode(body.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_short_is_not() {
        let mut bytes = Vec::new();
        put(&mut bytes, b"git");
        put(&mut bytes, &[0, 0x81]);
        bytes.push(7);
        let mut reader = Reader(&bytes);
        assert_eq!(reader.text(), Some("git"));
        assert_eq!(reader.big(), Some(&[0x81][..]));
        assert_eq!(reader.end(), None);
        assert_eq!(reader.byte(), Some(7));
        assert_eq!(reader.end(), Some(()));
        assert_eq!(reader.byte(), None);
        for length in 0..7 {
            assert_eq!(Reader(&bytes[..length]).string(), None, "{length}");
        }
        assert_eq!(Reader(&[0xff; 8]).string(), None, "longer than all memory");
        assert_eq!(Reader(&[0, 0, 0, 1, 0x80]).big(), None, "negative");
    }
}
