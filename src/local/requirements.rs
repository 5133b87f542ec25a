//! The packages that a user's code asks for: a virtual environment for each `requirements.txt`.

use std::fs;
use std::path::Path;

use super::engine::Engine;
use super::place::{Place, PlaceError};
use super::process::{self, Program};
use crate::limits::ENVIRONMENTS_MAX;

/// What makes the environment and then becomes the program.
const STARTER: &str = include_str!("requirements.py");
const FILE: &str = "requirements.txt";

/// The program, with the packages that a `requirements.txt` beside its code names.
pub(super) fn with(
    engine: &Engine,
    place: &Place,
    program: Program,
    code: &Path,
) -> Result<Program, PlaceError> {
    let requirements = code.join(FILE);
    if !requirements.is_file() {
        return Ok(program);
    }
    let starter = place.beside("requirements.py");
    fs::write(&starter, STARTER).map_err(|error| PlaceError::Io {
        doing: "write",
        path: starter.clone(),
        reason: error.to_string(),
    })?;
    let folder = engine.state.folder().join("environments");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let own = [
        text(&starter),
        text(&folder),
        ENVIRONMENTS_MAX.to_string(),
        text(&requirements),
        text(&program.executable),
    ];
    Ok(Program {
        executable: process::find(&place.python(engine), &engine.host.path)?,
        args: own.into_iter().chain(program.args).collect(),
        ..program
    })
}
