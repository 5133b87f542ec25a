//! `aws-chunked` bodies: S3's own chunks inside an HTTP body, with checksums at the end.

use std::collections::BTreeMap;

/// Bytes of a chunk's head, and of one trailer.
const LINE_BYTES_MAX: usize = 1024;
/// Trailers of one body.
const TRAILERS_MAX: usize = 32;

/// Why a body is not `aws-chunked`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    /// A chunk does not start with its size.
    #[error("a chunk has no size")]
    Size,
    /// A chunk does not end where its size says.
    #[error("a chunk is longer than its size")]
    End,
    /// A line or the number of trailers is over the limit.
    #[error("a chunk's head or trailer is too long")]
    TooLong,
    /// The body ended before its last chunk.
    #[error("the body ends within a chunk")]
    Short,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Data(usize),
    DataEnd,
    Trailer,
    Done,
}

/// Takes a body piece by piece and gives its content. Signatures of chunks are skipped.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    line: Vec<u8>,
    trailers: BTreeMap<String, String>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            state: State::Head,
            line: Vec::new(),
            trailers: BTreeMap::new(),
        }
    }
}

impl Decoder {
    /// Takes the next piece and appends the content in it to `out`.
    ///
    /// # Errors
    /// When the body is malformed.
    pub(super) fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>) -> Result<(), ChunkError> {
        while !piece.is_empty() {
            if let State::Data(left) = self.state {
                let taken = left.min(piece.len());
                out.extend_from_slice(&piece[..taken]);
                piece = &piece[taken..];
                self.state = match left - taken {
                    0 => State::DataEnd,
                    left => State::Data(left),
                };
                continue;
            }
            if self.state == State::Done {
                return Ok(());
            }
            let end = piece.iter().position(|b| *b == b'\n');
            let taken = end.map_or(piece.len(), |at| at + 1);
            if self.line.len() + taken > LINE_BYTES_MAX {
                return Err(ChunkError::TooLong);
            }
            self.line.extend_from_slice(&piece[..taken]);
            piece = &piece[taken..];
            if end.is_some() {
                self.take_line()?;
            }
        }
        Ok(())
    }

    fn take_line(&mut self) -> Result<(), ChunkError> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        self.state = match self.state {
            State::Head => {
                let size = line.split(';').next().unwrap_or_default().trim();
                match usize::from_str_radix(size, 16) {
                    Ok(0) => State::Trailer,
                    Ok(size) => State::Data(size),
                    Err(_) => return Err(ChunkError::Size),
                }
            }
            State::DataEnd if line.is_empty() => State::Head,
            State::Trailer if line.is_empty() => State::Done,
            State::Trailer => {
                if self.trailers.len() >= TRAILERS_MAX {
                    return Err(ChunkError::TooLong);
                }
                if let Some((name, value)) = line.split_once(':') {
                    self.trailers
                        .insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
                }
                State::Trailer
            }
            State::DataEnd | State::Data(_) | State::Done => return Err(ChunkError::End),
        };
        Ok(())
    }

    /// Ends the body and gives its trailers, names in lower case.
    ///
    /// # Errors
    /// When the last chunk did not come.
    pub(super) fn finish(self) -> Result<BTreeMap<String, String>, ChunkError> {
        match self.state {
            // The empty line after the trailers may be missing.
            State::Done | State::Trailer => Ok(self.trailers),
            State::Head | State::Data(_) | State::DataEnd => Err(ChunkError::Short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Decoded = Result<(String, Vec<(String, String)>), ChunkError>;
    type Expected<'a> = Result<(&'a str, &'a [(&'a str, &'a str)]), ChunkError>;

    fn decode(body: &str, piece: usize) -> Decoded {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        for piece in body.as_bytes().chunks(piece) {
            decoder.push(piece, &mut out)?;
        }
        let trailers = decoder.finish()?;
        Ok((
            String::from_utf8(out).unwrap(),
            trailers.into_iter().collect(),
        ))
    }

    #[test]
    fn content_and_trailers_come_out_however_the_body_is_cut() {
        let check = |body: &str, expected: Expected<'_>| {
            let expected = expected.map(|(text, trailers)| {
                let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
                (text.to_owned(), trailers.iter().map(owned).collect())
            });
            for piece in [1, 2, 3, 7, 4096] {
                assert_eq!(decode(body, piece), expected, "{body:?} by {piece}");
            }
        };
        check(
            "5\r\nhello\r\n6;chunk-signature=ab\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n",
            Ok(("hello world", &[("x-amz-checksum-crc32", "AAAA==")])),
        );
        check("0\r\n\r\n", Ok(("", &[])));
        check("2\r\n\r\n\r\n0\r\n\r\n", Ok(("\r\n", &[])));
        check("5\r\nhel", Err(ChunkError::Short));
        check("zz\r\n", Err(ChunkError::Size));
        check("1\r\nab\r\n0\r\n\r\n", Err(ChunkError::End));
        check(&"1".repeat(3000), Err(ChunkError::TooLong));
    }
}
