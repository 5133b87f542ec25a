//! A user's table of container images, from a file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::error::CommandError;
use super::shell::Shell;
use crate::config::{Image, read_images};
use crate::diagnostic::render::text;
use crate::limits::YAML_BYTES_MAX;

/// Reads a table; what is wrong with it is said at its place.
pub(super) fn read(path: &Path, shell: &Shell) -> Result<Vec<Image>, CommandError> {
    let name = path.display().to_string();
    let unusable = || CommandError::message(format!("the table of images {name} cannot be used"));
    // One byte more than a file may have, so that the reader sees that it is too large.
    let most = u64::try_from(YAML_BYTES_MAX).map_or(u64::MAX, |most| most + 1);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| unusable().help(error.to_string()))?;
    let (images, findings) = read_images(&name, &bytes);
    let source = std::str::from_utf8(&bytes).ok();
    let shown = text(&findings, |_| source, shell.streams.paint.is_on());
    if !shown.is_empty() {
        shell.streams.talk(&shown);
    }
    images.ok_or_else(unusable)
}
