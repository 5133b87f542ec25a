//! Multipart uploads. They live in memory and end with the server, as S3's do with a lifecycle rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Mutex;

use data_encoding::HEXLOWER;
use s3s::dto::{CompletedPart, PartNumber};
use s3s::{S3Result, s3_error};

use super::body::internal;
use super::checksum::{self, given_checksums};
use super::object::Describing;
use crate::clock::Timestamp;
use crate::limits::{PART_BYTES_MIN, UPLOAD_PARTS_MAX, UPLOADS_MAX};
use crate::local::bodies::{Bodies, Intake, Stored};

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
    /// What the object will be, as far as it is known.
    pub(super) describing: Describing,
    /// Its checksums.
    pub(super) sums: Sums,
    /// Since when it is open.
    pub(super) begun: Timestamp,
    /// What came so far, and when.
    pub(super) parts: BTreeMap<PartNumber, (Stored, Timestamp)>,
}

/// How the checksum of an upload is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    /// By its name in headers.
    pub(super) algorithm: Option<&'static str>,
    /// Whether the request named it: S3 takes one of its own where it did not.
    pub(super) is_named: bool,
    /// Of the parts' checksums rather than of all bytes.
    composite: bool,
}

impl Sums {
    /// As a request asks for. CRC64NVME is of the whole object, SHA of its parts, CRC32 of either.
    pub(super) fn asked(algorithm: Option<&str>, kind: Option<&str>) -> S3Result<Self> {
        let named = algorithm
            .map(|name| {
                checksum::algorithm(name).ok_or_else(|| {
                    s3_error!(
                        InvalidRequest,
                        "Checksum algorithm provided is unsupported."
                    )
                })
            })
            .transpose()?;
        let name = named.unwrap_or(checksum::USUAL);
        let composite = match kind {
            Some(kind) => kind == "COMPOSITE",
            None => name != checksum::USUAL,
        };
        let possible = match name {
            "crc64nvme" => !composite,
            "sha1" | "sha256" => composite,
            _ => true,
        };
        if !possible || (kind.is_some() && named.is_none()) {
            return Err(s3_error!(
                InvalidRequest,
                "The {} checksum type cannot be used with the {name} checksum algorithm.",
                kind.unwrap_or_default()
            ));
        }
        Ok(Self {
            algorithm: Some(name),
            is_named: named.is_some(),
            composite,
        })
    }

    /// What S3 calls it.
    pub(super) fn kind(&self) -> &'static str {
        if self.composite {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        }
    }
}

/// A page of open uploads.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Key, id, and since when each is open.
    pub(super) uploads: Vec<(String, String, Timestamp)>,
    pub(super) common_prefixes: Vec<String>,
    /// Key and id after which the next page begins.
    pub(super) next: Option<(String, String)>,
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
    pub(super) fn put(
        &self,
        id: &str,
        number: PartNumber,
        part: (Stored, Timestamp),
    ) -> S3Result<()> {
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

    /// The open uploads of a bucket after a key, or after one upload of it, by key and id.
    pub(super) fn page(
        &self,
        bucket: &str,
        (prefix, delimiter): (&str, Option<&str>),
        after: &(String, Option<String>),
        most: usize,
    ) -> Page {
        let state = self.lock();
        let open: BTreeSet<(&String, &String, Timestamp)> = state
            .open
            .iter()
            .filter(|(_, upload)| upload.bucket == bucket && upload.key.starts_with(prefix))
            .map(|(id, upload)| (&upload.key, id, upload.begun))
            .collect();
        let mut page = Page::default();
        let mut last = None;
        for (key, id, begun) in open
            .into_iter()
            .filter(|(key, id, _)| is_after(after, key, id))
        {
            let rest = &key[prefix.len()..];
            let cut = delimiter
                .filter(|delimiter| !delimiter.is_empty())
                .and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            let group = cut.map(|end| &key[..prefix.len() + end]);
            if group.is_some_and(|group| page.common_prefixes.iter().any(|one| one == group)) {
                last = Some((key.clone(), id.clone()));
                continue;
            }
            if page.uploads.len() + page.common_prefixes.len() == most {
                page.next = last;
                break;
            }
            match group {
                Some(group) => page.common_prefixes.push(group.to_owned()),
                None => page.uploads.push((key.clone(), id.clone(), begun)),
            }
            last = Some((key.clone(), id.clone()));
        }
        page
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

fn is_after((at, at_id): &(String, Option<String>), key: &String, id: &String) -> bool {
    key > at || (key == at && at_id.as_ref().is_some_and(|at_id| id > at_id))
}

/// The bytes of an upload, and what is known of them.
pub(super) struct Whole {
    pub(super) stored: Stored,
    pub(super) describing: Describing,
}

/// Puts the listed parts together. The `ETag` of the whole is S3's: the MD5 of the parts' MD5s, a
/// dash, and how many there were.
pub(super) fn assemble(
    bodies: &Bodies,
    upload: &Upload,
    listed: &[CompletedPart],
) -> S3Result<Whole> {
    use s3s::crypto::{Checksum as _, Md5};
    if listed.is_empty() {
        return Err(s3_error!(MalformedXML));
    }
    let numbers = listed
        .iter()
        .map(|part| part.part_number.unwrap_or_default());
    if !numbers.is_sorted_by(|one, next| one < next) {
        return Err(s3_error!(InvalidPartOrder));
    }
    let name = upload.sums.algorithm.unwrap_or(checksum::USUAL);
    let mut intake = bodies.intake(|wanted| !upload.sums.composite && wanted == name);
    let mut digests = Md5::new();
    let mut sums = Vec::new();
    for (at, part) in (1..).zip(listed) {
        let stored = found(upload, part)?;
        if stored.size < PART_BYTES_MIN && at < listed.len() {
            return Err(s3_error!(EntityTooSmall));
        }
        digests.update(&HEXLOWER.decode(stored.md5.as_bytes()).unwrap_or_default());
        sums.extend(checksum::of(&stored.checksums, name).cloned());
        append(bodies, stored, &mut intake).map_err(internal)?;
    }
    let stored = bodies.keep(intake).map_err(internal)?;
    let digest = HEXLOWER.encode(digests.finalize().as_ref());
    let mut describing = upload.describing.clone();
    describing.tag = format!("{digest}-{}", listed.len());
    let sum = if upload.sums.composite {
        checksum::composite(name, &sums)
    } else {
        checksum::of(&stored.checksums, name).cloned()
    };
    describing
        .checksums
        .extend(sum.map(|sum| (name.to_owned(), sum)));
    Ok(Whole { stored, describing })
}

/// The part that was uploaded under a number, if it is the one that is listed.
fn found<'a>(upload: &'a Upload, part: &CompletedPart) -> S3Result<&'a Stored> {
    let (stored, _) = upload
        .parts
        .get(&part.part_number.unwrap_or_default())
        .ok_or_else(|| s3_error!(InvalidPart))?;
    let tag = part.e_tag.as_ref();
    let mut sums = given_checksums!(part).into_iter();
    let other_sum = |(name, given): (&str, Option<&String>)| {
        given.is_some_and(|given| {
            checksum::of(&stored.checksums, name).is_some_and(|kept| kept != given)
        })
    };
    if tag.is_some_and(|tag| tag.value() != stored.md5) || sums.any(other_sum) {
        return Err(s3_error!(InvalidPart));
    }
    Ok(stored)
}

fn append(bodies: &Bodies, part: &Stored, intake: &mut Intake) -> io::Result<()> {
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
