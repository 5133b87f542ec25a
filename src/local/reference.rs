//! What the local SageMaker answers, as a page for people.

use std::collections::{BTreeMap, BTreeSet};

use super::runtime::Way;
use super::s3;
use crate::world::World;

/// The page about its operations.
pub fn reference() -> String {
    let runtime = Way::names().map(|name| ("sagemaker-runtime", name));
    let mut services: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (service, name) in World::operations().chain(runtime) {
        let names = services.entry(service).or_default();
        names.insert(name.to_owned());
    }
    let names = s3::OPERATIONS.iter().map(|name| capitalized(name));
    services.insert("s3", names.collect());
    let mut text = "# Operations of the local SageMaker\n\n\
        This page is generated from the program.\n\n\
        `trueup local` answers these, each in the protocol of its service, whatever client sends them: \
        a request is checked against the service's public model, what it names has to exist, and what \
        it starts takes its time. Anything else is refused by name: `UnsupportedOperation`, or what \
        the service itself answers to an action that it does not know.\n"
        .to_owned();
    for (service, names) in services {
        text.push_str(&format(service, &names));
    }
    text
}

fn format(service: &str, names: &BTreeSet<String>) -> String {
    let lines = names.iter().map(|name| format!("- `{name}`\n"));
    format!(
        "\n## {service}\n\nOperations: {}.\n\n{}",
        names.len(),
        lines.collect::<String>()
    )
}

/// `list_objects_v2` as `ListObjectsV2`.
fn capitalized(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_services() {
        assert_eq!(capitalized("list_objects_v2"), "ListObjectsV2");
        let page = reference();
        for line in [
            "## sagemaker\n",
            "- `CreateHyperParameterTuningJob`\n",
            "## s3\n",
            "- `UploadPartCopy`\n",
            "## application-autoscaling\n",
            "- `TagResource`\n",
            "## sts\n",
        ] {
            assert!(page.contains(line), "{line}");
        }
    }
}
