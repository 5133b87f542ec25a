//! Multipart uploads. They live in memory and end with the server, as S3's do with a lifecycle rule.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Mutex;

use data_encoding::HEXLOWER;
use s3s::dto::{CompletedPart, PartNumber};
use s3s::{S3Result, s3_error};

use super::body::internal;
use crate::limits::{UPLOAD_PARTS_MAX, UPLOADS_MAX};
use crate::local::bodies::{Bodies, Stored};

/// The open uploads by id.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    open: BTreeMap<String, Upload>,
}

/// One open upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    /// For which bucket.
    pub(super) bucket: String,
    /// For which key.
    pub(super) key: String,
    /// The content type that the object will have.
    pub(super) content_type: Option<String>,
    /// The metadata that the object will have.
    pub(super) metadata: BTreeMap<String, String>,
    /// What came so far.
    pub(super) parts: BTreeMap<PartNumber, Stored>,
}

impl Uploads {
    /// Opens an upload and gives its id.
    pub(super) fn create(&self, upload: Upload, salt: u64) -> S3Result<String> {
        let mut state = self.lock();
        if state.open.len() >= UPLOADS_MAX {
            return Err(s3_error!(
                SlowDown,
                "{UPLOADS_MAX} multipart uploads are open"
            ));
        }
        state.last += 1;
        let id = format!("{salt:016x}{:08x}", state.last);
        state.open.insert(id.clone(), upload);
        Ok(id)
    }

    /// The upload `id` of that very object.
    pub(super) fn get(&self, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
        self.lock()
            .open
            .get(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key)
            .cloned()
            .ok_or_else(|| s3_error!(NoSuchUpload))
    }

    /// Adds or replaces a part.
    pub(super) fn put(&self, id: &str, number: PartNumber, part: Stored) -> S3Result<()> {
        if !(1..=UPLOAD_PARTS_MAX).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and {UPLOAD_PARTS_MAX}, inclusive"
            ));
        }
        let mut state = self.lock();
        let upload = state
            .open
            .get_mut(id)
            .ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.parts.insert(number, part);
        Ok(())
    }

    /// Forgets an upload.
    pub(super) fn close(&self, id: &str) {
        self.lock().open.remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

/// Puts the listed parts together. Gives the whole and its `ETag`, which is S3's: the MD5 of the
/// parts' MD5s, a dash, and how many there were.
pub(super) fn assemble(
    bodies: &Bodies,
    upload: &Upload,
    listed: &[CompletedPart],
) -> S3Result<(Stored, String)> {
    use s3s::crypto::{Checksum as _, Md5};
    if listed.is_empty() {
        return Err(s3_error!(MalformedXML));
    }
    let mut intake = bodies.intake(|_| false);
    let mut digests = Md5::new();
    let mut last = 0;
    for part in listed {
        let number = part.part_number.unwrap_or_default();
        if number <= last {
            return Err(s3_error!(InvalidPartOrder));
        }
        last = number;
        let stored = upload
            .parts
            .get(&number)
            .ok_or_else(|| s3_error!(InvalidPart))?;
        if part
            .e_tag
            .as_ref()
            .is_some_and(|tag| tag.value() != stored.md5)
        {
            return Err(s3_error!(InvalidPart));
        }
        digests.update(&HEXLOWER.decode(stored.md5.as_bytes()).unwrap_or_default());
        append(bodies, stored, &mut intake).map_err(internal)?;
    }
    let whole = bodies.keep(intake).map_err(internal)?;
    let digest = HEXLOWER.encode(digests.finalize().as_ref());
    Ok((whole, format!("{digest}-{}", listed.len())))
}

fn append(
    bodies: &Bodies,
    part: &Stored,
    intake: &mut crate::local::bodies::Intake,
) -> io::Result<()> {
    if let Some(bytes) = &part.inline {
        return intake.push(bytes);
    }
    let mut file = File::open(bodies.path(&part.sha256))?;
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            read => intake.push(&piece[..read])?,
        }
    }
}
