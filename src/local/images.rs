//! What runs in the place of an image: the rows of the user, then our own.

use std::sync::Arc;

use crate::config::{Image, read_images};

/// Our own rows, in the form of a user's file.
const OWN: &str = include_str!("images.yaml");

/// The table.
#[derive(Debug, Clone)]
pub(super) struct Images(Vec<Arc<Image>>);

impl Images {
    /// A table in which the user's rows come first.
    pub(super) fn new(users: Vec<Image>) -> Self {
        let (own, _) = read_images("images.yaml", OWN.as_bytes());
        let own = own.expect("a test reads our own table");
        Self(users.into_iter().chain(own).map(Arc::new).collect())
    }

    /// The row of an image.
    pub(super) fn of(&self, uri: &str) -> Arc<Image> {
        let row = self.0.iter().find(|row| row.matches(uri));
        row.map(Arc::clone).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;

    #[test]
    fn the_first_row_that_fits_decides() {
        let mine = Image {
            pattern: "*/sagemaker-x*".to_owned(),
            python: Some("python3.9".to_owned()),
            ..Image::default()
        };
        let images = Images::new(vec![mine]);
        let registry = "1.dkr.ecr.eu-west-1.amazonaws.com";
        let of = |name: &str| images.of(&format!("{registry}/{name}"));
        assert_eq!(
            of("sagemaker-xgboost:1").python.as_deref(),
            Some("python3.9")
        );
        let analyzer = of("sagemaker-model-monitor-analyzer");
        assert_eq!(analyzer.process[0], "trueup");
        assert_eq!(analyzer.mode, Mode::Entrypoint);
        assert!(of("sagemaker-clarify-processing:1.0").refuse.is_some());
        assert_eq!(of("team/anything@sha256:0").mode, Mode::Script);
        assert_eq!(images.of("").mode, Mode::Script);
    }
}
