//! Where data comes from and where it goes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::resource::call::Scope;

/// A bucket of another region.
pub(super) const D003: Rule = Rule {
    code: "D003",
    title: "captured data that leaves the region",
    level: Level::WARNING,
    page: page!("D003"),
    check: Some(afar),
};

/// Twice the same data.
pub(super) const D004: Rule = Rule {
    code: "D004",
    title: "a model that is measured on the bytes that it learns from",
    level: Level::ERROR,
    page: page!("D004"),
    check: Some(leaked),
};

/// Captured data among the code and the data.
pub(super) const D007: Rule = Rule {
    code: "D007",
    title: "captured data among what trueup keeps",
    level: Level::ERROR,
    page: page!("D007"),
    check: Some(mixed),
};

/// The only data there is.
pub(super) const D011: Rule = Rule {
    code: "D011",
    title: "a model that is measured on the only data that it has",
    level: Level::WARNING,
    page: page!("D011"),
    check: Some(alone),
};

/// Where environments capture to, where they say so: its pointer, the environment, the address.
fn captures<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (String, &'a Value, &'a str)> + use<'a> {
    subject
        .environments()
        .filter_map(|(_, pointer, environment)| {
            let uri = environment.pointer("/deployment/data_capture/s3_uri")?;
            let pointer = pointer + "/deployment/data_capture/s3_uri";
            Some((pointer, environment, uri.as_str()?))
        })
}

fn afar(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, environment, uri) in captures(subject) {
        let region = environment.get("region").and_then(Value::as_str);
        let (Some(region), Some(other)) = (region, region_of(uri)) else {
            continue;
        };
        if other != region {
            let message = format!("the bucket is in {other}, and the endpoint in {region}");
            let finding = D003.at(subject.origins.origin(&pointer), message);
            findings.push_in(
                Subject::mode(environment),
                finding.help("capture to a bucket of the endpoint's region"),
            );
        }
    }
}

/// The region of a bucket whose name tells it: `sagemaker-<region>-<account>`, as AWS's SDK calls it.
fn region_of(uri: &str) -> Option<&str> {
    let bucket = uri.strip_prefix("s3://")?.split('/').next()?;
    let (region, account) = bucket.strip_prefix("sagemaker-")?.rsplit_once('-')?;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (is_account && region.matches('-').count() >= 2).then_some(region)
}

fn leaked(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(measured) = subject.text("/evaluation/dataset") else {
        return;
    };
    let files = files(subject);
    let Some(own) = files.get(measured) else {
        return;
    };
    let twin = files
        .iter()
        .find(|(name, other)| **name != measured && own.is(other));
    if let Some((twin, _)) = twin {
        let message = format!("`{measured}` holds the same bytes as `{twin}`");
        let finding = D004.at(subject.origins.origin("/evaluation/dataset"), message);
        findings.push(finding.help("measure on data that training does not see"));
    }
}

/// The bytes of a dataset: by path, and by content where the file is there.
struct Bytes<'a> {
    path: &'a str,
    held: Option<&'a [u8]>,
}

impl Bytes<'_> {
    fn is(&self, other: &Self) -> bool {
        let held = self.held.filter(|bytes| !bytes.is_empty());
        self.path == other.path || held.is_some() && held == other.held
    }
}

fn files<'a>(subject: &Subject<'a>) -> BTreeMap<&'a str, Bytes<'a>> {
    let all = subject.entries("/data").filter_map(|(name, dataset)| {
        let path = dataset.get("file")?.as_str()?;
        let file = subject.snapshot.files.get(&subject.path(path));
        let held = file.map(|file| &*file.bytes);
        Some((name, Bytes { path, held }))
    });
    all.collect()
}

fn alone(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(measured) = subject.text("/evaluation/dataset") else {
        return;
    };
    // Without processing training gets every dataset; with it, what processing writes.
    let processed = subject.entries("/processing").next().is_some();
    let only = subject.entries("/data").count() == 1;
    let dataset = subject.document.pointer(&join("/data", measured));
    if !processed && only && dataset.is_some() {
        let message = format!("`{measured}` is all that the model is trained on, too");
        let finding = D011.at(subject.origins.origin("/evaluation/dataset"), message);
        findings.push(finding.help("put a part aside, in a file or by a processing step"));
    }
}

fn mixed(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let (Some(installation), Some(name)) = (subject.installation, subject.text("/name")) else {
        return;
    };
    for (pointer, environment, uri) in captures(subject) {
        let text = |key: &str| environment.get(key)?.as_str().map(str::to_owned);
        let (Some(account), Some(region)) = (text("account"), text("region")) else {
            continue;
        };
        let bucket = installation.bucket(&Scope { account, region });
        let Some(rest) = uri.strip_prefix(&format!("s3://{bucket}/trueup/{name}/")) else {
            continue;
        };
        let folder = rest.split('/').next().unwrap_or_default();
        if ["code", "data"].contains(&folder) {
            let message = format!("what is captured would lie among the {folder} of the model");
            let finding = D007.at(subject.origins.origin(&pointer), message);
            findings.push_in(
                Subject::mode(environment),
                finding.help("leave `s3_uri` out: the default is a folder of its own"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_tells_its_region_only_in_the_form_of_the_sdk() {
        assert_eq!(
            region_of("s3://sagemaker-us-east-1-111122223333/x"),
            Some("us-east-1")
        );
        assert_eq!(
            region_of("s3://sagemaker-us-gov-west-1-111122223333"),
            Some("us-gov-west-1")
        );
        assert_eq!(region_of("s3://sagemaker-us-east-1-models/x"), None);
        assert_eq!(region_of("s3://acme-us-east-1-111122223333/x"), None);
    }
}
