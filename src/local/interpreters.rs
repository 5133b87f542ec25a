//! What programs a place has: the interpreters and the entry point of the image that it stands for.

use std::path::Path;

use super::engine::Engine;
use super::paths::rewrite;
use super::place::{Place, PlaceError, io_error};
use super::process;

/// The names of Python.
pub(super) const PYTHONS: &[&str] = &["python3", "python"];
/// The interpreter of R.
pub(super) const RSCRIPT: &str = "Rscript";
/// The folder of a place in which those stand for the image's interpreter.
const WRAPPERS: &str = "bin";

impl Place {
    /// Where programs are looked for: those of the virtual environment, the names of Python, and what
    /// this machine has.
    pub(super) fn programs(&self, engine: &Engine) -> String {
        let host = &engine.host;
        match (&self.image().venv, &self.image().python) {
            (Some(venv), _) => format!("{venv}/bin:{}", host.path),
            (None, Some(_)) => format!("{}:{}", self.beside(WRAPPERS).display(), host.path),
            (None, None) => format!("{}:{}", host.bin.display(), host.path),
        }
    }

    /// Entry points are often shell scripts that call `python3` or `python`: they get the image's.
    pub(super) fn write_wrappers(&self, engine: &Engine) -> Result<(), PlaceError> {
        if self.image().python.is_none() || self.image().venv.is_some() {
            return Ok(());
        }
        let python = process::find(&self.python(engine), &engine.host.path);
        let folder = self.beside(WRAPPERS);
        process::write_wrappers(&folder, PYTHONS, &python).map_err(io_error("write into", &folder))
    }

    /// The words of an image's entry point, in the terms of its programs: those of its row, or the
    /// word by which the service starts an image.
    pub(super) fn entry_point(&self, row: &[String], usual: &str) -> Vec<String> {
        if row.is_empty() {
            return vec![usual.to_owned()];
        }
        let root = self.root_text();
        row.iter().map(|word| rewrite(word, &root)).collect()
    }

    /// The interpreter of Python programs: a path, or a name that is looked up.
    pub(super) fn python(&self, engine: &Engine) -> String {
        match (&self.image().venv, &self.image().python) {
            (Some(venv), _) => format!("{venv}/bin/python"),
            (None, Some(python)) => python.clone(),
            (None, None) => engine.host.python.clone(),
        }
    }
}

/// The words of an entry point, as what is started: programs of R need not be executable, for their
/// interpreter reads them.
pub(super) fn entry(words: impl IntoIterator<Item = String>) -> Option<(String, Vec<String>)> {
    let mut words = words.into_iter();
    let first = words.next()?;
    if is_r(&first) {
        let args = std::iter::once(first).chain(words);
        return Some((RSCRIPT.to_owned(), args.collect()));
    }
    Some((first, words.collect()))
}

/// Whether a program is one of R.
pub(super) fn is_r(program: &str) -> bool {
    let extension = Path::new(program).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("r"))
}
