//! Archives whose bytes follow from their files alone.

use std::io::Write as _;
use std::sync::Arc;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::canonical;
use crate::snapshot::{File, Mode};

/// A file in an archive: its path there, and what it is.
pub type ArchivedFile = (String, File);

/// Digest of a set of files: their paths, modes and contents, never the archive's bytes.
pub fn digest(files: &[ArchivedFile]) -> String {
    canonical::digest(&json!({"v": 1, "files": listing(files)}))
}

/// `[{path, mode, blob}]`, sorted by path.
pub fn listing(files: &[ArchivedFile]) -> Value {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|(path, _)| path.as_str());
    files
        .into_iter()
        .map(|(path, file)| json!({"path": path, "mode": mode(file), "blob": file.blob.0}))
        .collect()
}

fn mode(file: &File) -> u32 {
    match file.mode {
        Mode::Regular => 0o644,
        Mode::Executable => 0o755,
    }
}

/// A `.tar.gz` in which nothing depends on when or where it was made: sorted, owned by nobody,
/// dated to the epoch.
pub fn tar_gz(files: &[ArchivedFile]) -> std::io::Result<Arc<[u8]>> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|(path, _)| path.as_str());
    let mut gz = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    {
        let mut tar = tar::Builder::new(&mut gz);
        for (path, file) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(mode(file));
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(file.bytes.len() as u64);
            tar.append_data(&mut header, path, &*file.bytes)?;
        }
        tar.finish()?;
    }
    gz.flush()?;
    Ok(gz.finish()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ObjectId;

    fn file(text: &str, mode: Mode) -> File {
        File {
            mode,
            blob: ObjectId(canonical::sha256(text.as_bytes())),
            bytes: text.as_bytes().into(),
        }
    }

    #[test]
    fn order_of_the_files_does_not_matter_and_modes_do() {
        let a = ("a.py".to_owned(), file("1", Mode::Regular));
        let b = ("b.sh".to_owned(), file("2", Mode::Executable));
        let plain_b = ("b.sh".to_owned(), file("2", Mode::Regular));
        let (one, two) = ([a.clone(), b.clone()], [b, a.clone()]);
        assert_eq!(digest(&one), digest(&two));
        assert_eq!(tar_gz(&one).unwrap(), tar_gz(&two).unwrap());
        assert_ne!(digest(&one), digest(&[a, plain_b]));
    }
}
