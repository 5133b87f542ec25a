//! The bytes of objects: small ones live in the state itself, larger ones in files that are named
//! for what they hold.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::{BASE64, HEXLOWER};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::Checksum;

use crate::limits::INLINE_OBJECT_BYTES_MAX;

/// The folder of large bodies (`objects/<sha256>`) and of those on their way in (`spool/`).
#[derive(Debug)]
pub(crate) struct Bodies {
    objects: PathBuf,
    spool: PathBuf,
    next: AtomicU64,
}

/// Bytes that are known by their digest.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// How many.
    pub(super) size: u64,
    /// Hexadecimal.
    pub(super) sha256: String,
    /// Hexadecimal.
    pub(super) md5: String,
    /// The bytes, unless they are in a file.
    pub(super) inline: Option<Arc<[u8]>>,
    /// The checksums that were wanted, and SHA-256, in base64.
    pub(super) checksums: Arc<Checksum>,
}

impl Bodies {
    /// Opens the store below `state`; what was on its way in when the server ended is dropped.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let (objects, spool) = (state.join("objects"), state.join("spool"));
        if spool.exists() {
            fs::remove_dir_all(&spool)?;
        }
        fs::create_dir_all(&spool)?;
        fs::create_dir_all(&objects)?;
        Ok(Self {
            objects,
            spool,
            next: AtomicU64::new(0),
        })
    }

    /// Where the file of a large body is.
    pub(crate) fn path(&self, sha256: &str) -> PathBuf {
        self.objects.join(sha256)
    }

    /// A new path for something on its way in.
    pub(crate) fn spool_path(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.spool.join(format!("{number}"))
    }

    /// Takes in a new body, piece by piece. SHA-256 and MD5 are always computed, other checksums
    /// only if they are `wanted`, by the names that S3's headers have (`crc32`, `sha1`, …).
    pub(crate) fn intake(&self, wanted: impl Fn(&str) -> bool) -> Intake {
        Intake {
            path: self.spool_path(),
            memory: Vec::new(),
            file: None,
            size: 0,
            md5: Md5::new(),
            hasher: hasher(|name| name == "sha256" || wanted(name)),
        }
    }

    /// Keeps what was taken in.
    pub(crate) fn keep(&self, intake: Intake) -> io::Result<Stored> {
        let Intake {
            path,
            memory,
            file,
            size,
            md5,
            hasher,
        } = intake;
        let checksums = hasher.finalize();
        let sha256 = checksums
            .checksum_sha256
            .as_deref()
            .and_then(|text| BASE64.decode(text.as_bytes()).ok())
            .map(|digest| HEXLOWER.encode(&digest))
            .expect("the hasher was asked for SHA-256");
        let inline = match file {
            None => Some(memory.into()),
            Some(file) => {
                file.sync_all()?;
                drop(file);
                fs::rename(&path, self.path(&sha256))?;
                None
            }
        };
        Ok(Stored {
            size,
            sha256,
            md5: HEXLOWER.encode(md5.finalize().as_ref()),
            inline,
            checksums: Arc::new(checksums),
        })
    }

    /// Keeps a copy of a file.
    pub(crate) fn keep_file(&self, from: &Path) -> io::Result<Stored> {
        let mut intake = self.intake(|_| false);
        let mut source = File::open(from)?;
        let mut piece = vec![0; 256 * 1024];
        loop {
            match source.read(&mut piece)? {
                0 => return self.keep(intake),
                read => intake.push(&piece[..read])?,
            }
        }
    }

    /// Keeps bytes.
    pub(crate) fn keep_bytes(&self, bytes: &[u8]) -> io::Result<Stored> {
        let mut intake = self.intake(|_| false);
        intake.push(bytes)?;
        self.keep(intake)
    }

    /// Removes the files of bodies that `used` does not name.
    pub(crate) fn sweep(&self, used: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.objects)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(&used) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// What computes the checksums of these names.
pub(super) fn hasher(wanted: impl Fn(&str) -> bool) -> ChecksumHasher {
    ChecksumHasher {
        crc32: wanted("crc32").then(Crc32::new),
        crc32c: wanted("crc32c").then(Crc32c::new),
        sha1: wanted("sha1").then(Sha1::new),
        sha256: wanted("sha256").then(Sha256::new),
        crc64nvme: wanted("crc64nvme").then(Crc64Nvme::new),
    }
}

/// A body on its way in: in memory up to [`INLINE_OBJECT_BYTES_MAX`], then in a file.
pub(crate) struct Intake {
    path: PathBuf,
    memory: Vec<u8>,
    file: Option<File>,
    size: u64,
    md5: Md5,
    hasher: ChecksumHasher,
}

impl Intake {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.size += piece.len() as u64;
        self.md5.update(piece);
        self.hasher.update(piece);
        if let Some(file) = &mut self.file {
            return file.write_all(piece);
        }
        self.memory.extend_from_slice(piece);
        if self.memory.len() > INLINE_OBJECT_BYTES_MAX {
            let mut file = File::create(&self.path)?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        Ok(())
    }

    /// How many bytes came so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_stay_in_memory_and_large_ones_become_files() {
        let dir = tempfile::tempdir().unwrap();
        let bodies = Bodies::open(dir.path()).unwrap();
        let check = |size: usize, inline: bool| {
            let content: Vec<u8> = (0..=250).cycle().take(size).collect();
            let stored = bodies.keep_bytes(&content).unwrap();
            assert_eq!(stored.size, size as u64);
            assert_eq!(stored.inline.is_some(), inline, "{size}");
            let back = match &stored.inline {
                Some(bytes) => bytes.to_vec(),
                None => fs::read(bodies.path(&stored.sha256)).unwrap(),
            };
            assert!(back == content);
            stored
        };
        let empty = check(0, true);
        assert_eq!(empty.md5, "d41d8cd98f00b204e9800998ecf8427e");
        assert!(empty.sha256.starts_with("e3b0c44298fc1c14"));
        check(INLINE_OBJECT_BYTES_MAX, true);
        let large = check(INLINE_OBJECT_BYTES_MAX + 1, false);
        bodies.sweep(|name| name == large.sha256).unwrap();
        assert!(bodies.path(&large.sha256).exists());
        bodies.sweep(|_| false).unwrap();
        assert!(!bodies.path(&large.sha256).exists());
    }
}
