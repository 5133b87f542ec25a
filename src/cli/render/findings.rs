//! What is wrong with a commit's files, with the lines that it is about.

use super::Paint;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::text;
use crate::reconcile::RepositoryPass;

/// All findings of a pass: the repository's, then each model's.
pub fn all(pass: &RepositoryPass) -> Vec<Diagnostic> {
    let models = pass.models.iter().flat_map(|model| &model.diagnostics);
    pass.diagnostics.iter().chain(models).cloned().collect()
}

/// The findings as people read them; empty where there are none.
pub fn findings(pass: &RepositoryPass, paint: Paint) -> String {
    text(&all(pass), |file| pass.text(file), paint.is_on())
}
