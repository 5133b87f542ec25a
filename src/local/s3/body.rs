//! Bodies of S3 requests and answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::HeaderMap;
use data_encoding::{BASE64, HEXLOWER};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Result, s3_error};

use crate::limits::LOCAL_OBJECT_BYTES_MAX;
use crate::local::bodies::{Bodies, Stored};
use crate::local::chunked::Decoder;

/// Bytes of a file that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Reads the whole body of an upload, undoes `aws-chunked`, computes checksums, by their names in
/// headers, and checks every digest that the request or its trailers name.
pub(super) async fn receive(
    bodies: &Bodies,
    headers: &HeaderMap,
    checksums: &[&str],
    body: Option<StreamingBlob>,
) -> S3Result<Stored> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let payload = header("x-amz-content-sha256").unwrap_or_default();
    let chunked = payload.starts_with("STREAMING-")
        || header("content-encoding").is_some_and(|list| list.contains("aws-chunked"));
    let mut decoder = chunked.then(Decoder::default);
    let mut intake = bodies.intake(|name| checksums.contains(&name));
    let mut decoded = Vec::new();
    let mut body = s3s::Body::from(body.unwrap_or_else(|| s3s::Body::empty().into()));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_gone| s3_error!(IncompleteBody))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        let kept = match &mut decoder {
            None => intake.push(&piece),
            Some(decoder) => {
                decoded.clear();
                decoder
                    .push(&piece, &mut decoded)
                    .map_err(|error| s3_error!(IncompleteBody, "{error}"))?;
                intake.push(&decoded)
            }
        };
        kept.map_err(internal)?;
        if intake.size() > LOCAL_OBJECT_BYTES_MAX {
            return Err(s3_error!(EntityTooLarge));
        }
    }
    let trailers = match decoder {
        None => BTreeMap::new(),
        Some(decoder) => decoder
            .finish()
            .map_err(|error| s3_error!(IncompleteBody, "{error}"))?,
    };
    let stored = bodies.keep(intake).map_err(internal)?;
    verify(&stored, payload, headers, &trailers)?;
    Ok(stored)
}

/// Compares what came with every digest that was promised.
fn verify(
    stored: &Stored,
    payload: &str,
    headers: &HeaderMap,
    trailers: &BTreeMap<String, String>,
) -> S3Result<()> {
    if payload.len() == 64 && payload != stored.sha256 {
        return Err(s3_error!(
            BadDigest,
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        ));
    }
    let promised = |name: &str| {
        trailers.get(name).cloned().or_else(|| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        })
    };
    if let Some(md5) = promised("content-md5") {
        let digest = BASE64
            .decode(md5.as_bytes())
            .map_err(|_| s3_error!(InvalidDigest))?;
        if HEXLOWER.encode(&digest) != stored.md5 {
            return Err(s3_error!(BadDigest));
        }
    }
    for (name, found) in checksum_headers(&stored.checksums) {
        if promised(name).is_some_and(|value| Some(&value) != found.as_ref()) {
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match what we received"
            ));
        }
    }
    Ok(())
}

fn checksum_headers(checksums: &Checksum) -> [(&'static str, &Option<String>); 5] {
    [
        ("x-amz-checksum-crc32", &checksums.checksum_crc32),
        ("x-amz-checksum-crc32c", &checksums.checksum_crc32c),
        ("x-amz-checksum-crc64nvme", &checksums.checksum_crc64nvme),
        ("x-amz-checksum-sha1", &checksums.checksum_sha1),
        ("x-amz-checksum-sha256", &checksums.checksum_sha256),
    ]
}

pub(super) fn internal(error: io::Error) -> s3s::S3Error {
    s3_error!(
        error,
        InternalError,
        "the local S3 cannot read or write its state folder"
    )
}

/// The bytes of a part of a file, as the body of an answer.
struct FileBody {
    file: File,
    left: u64,
}

/// The bytes `range` of the file at `path`.
pub(super) fn from_file(path: &Path, range: &Range<u64>) -> io::Result<StreamingBlob> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let left = range.end.saturating_sub(range.start);
    Ok(s3s::Body::http_body(FileBody { file, left }).into())
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    // The file is local and most often in the page cache: a read of one piece is short enough.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let mut piece = vec![0; wanted];
        Poll::Ready(Some(match self.file.read(&mut piece) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                self.left -= read as u64;
                piece.truncate(read);
                Ok(Frame::data(piece.into()))
            }
            Err(error) => Err(error),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
