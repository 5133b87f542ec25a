//! Programs that name `/opt/ml` themselves, as those of the SDKs do.
//!
//! Where a job cannot have that path for itself it has a folder of its own in its place. Arguments and
//! variables are told so; what a program says in its own text is told here, in the job's copy of it.

use std::fs;
use std::path::Path;

use crate::limits::PROGRAM_BYTES_MAX;
use crate::local::archive::files_below;
use crate::local::paths::rewrite;
use crate::local::place::{Place, PlaceError, io_error};

/// Channels of a training job in which SDKs put programs, not data.
pub(super) const CHANNELS: [&str; 2] = ["code", "sm_drivers"];

/// Lets the programs below `folder` find the job's folder. Others than Python's, the shell's and R's, and
/// those larger than [`PROGRAM_BYTES_MAX`], stay as they are.
pub(super) fn adapt(place: &Place, folder: &Path) -> Result<(), PlaceError> {
    if !place.rewrites() {
        return Ok(());
    }
    let Ok(folder) = folder.canonicalize() else {
        return Ok(());
    };
    let root = place.root_text();
    for (_, path) in files_below(&folder)? {
        let small = fs::metadata(&path).is_ok_and(|about| about.len() <= PROGRAM_BYTES_MAX);
        if !small || !is_program(&path) {
            continue;
        }
        // What is not text is no program either.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let adapted = rewrite(&text, &root);
        if adapted != text {
            fs::write(&path, adapted).map_err(io_error("write", &path))?;
        }
    }
    Ok(())
}

fn is_program(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "py" || extension == "sh" || extension == "R")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_find_the_folder_of_their_job() {
        let temporary = tempfile::tempdir().unwrap();
        let place = Place::fresh(temporary.path().join("job"), "eu-west-1", false).unwrap();
        let code = place.make("code/inner").unwrap();
        let root = place.root_text();
        let large = "/opt/ml ".repeat(usize::try_from(PROGRAM_BYTES_MAX).unwrap() / 8 + 1);
        let check = |name: &str, text: &str, expect: &str| {
            fs::write(code.join(name), text).unwrap();
            adapt(&place, &place.path("code")).unwrap();
            assert_eq!(fs::read_to_string(code.join(name)).unwrap(), expect);
        };
        check("a.py", "open('/opt/ml/x')", &format!("open('{root}/x')"));
        check("b.sh", "cd /opt/ml", &format!("cd {root}"));
        check("b.R", "setwd('/opt/ml')", &format!("setwd('{root}')"));
        check("c.py", "'s3://b/opt/ml'", "'s3://b/opt/ml'");
        check("d.csv", "/opt/ml", "/opt/ml");
        check("e.py", &large, &large);
        adapt(&place, &place.path("nowhere")).unwrap();
    }
}
