//! Which instance types SageMaker takes for what, and where they are sold. `instances.py` makes
//! `instances.json` of botocore's model of the service and of cfn-lint's tables of prices; its date
//! and versions are in it.
//!
//! A table grows old: a type that it does not have may exist, so that is told apart from one that
//! is known and taken for something else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

/// What an instance is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Endpoints.
    Hosting,
    /// Processing jobs: steps before training, evaluation, monitors.
    Processing,
    /// Training jobs.
    Training,
}

/// What the table says of a type for a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken.
    Taken,
    /// It is taken for something else only.
    Elsewhere,
    /// It is not in the table.
    Unknown,
}

#[derive(Deserialize)]
struct Written {
    read: String,
    gpu: String,
    uses: BTreeMap<Use, WrittenUse>,
}

#[derive(Deserialize)]
struct WrittenUse {
    types: String,
    #[serde(default)]
    regions: String,
    #[serde(default)]
    sold: Vec<Sold>,
}

#[derive(Deserialize)]
struct Sold {
    types: String,
    regions: String,
}

struct Tables {
    read: String,
    gpu: BTreeSet<String>,
    uses: BTreeMap<Use, Table>,
}

struct Table {
    types: BTreeSet<String>,
    /// The regions of the price table.
    regions: BTreeSet<String>,
    /// Types that are not sold in all of them, and where they are.
    sold: BTreeMap<String, BTreeSet<String>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let written: Written = serde_json::from_str(include_str!("instances.json"))
        .expect("the embedded table parses: a test reads it");
    let uses = written.uses.into_iter();
    Tables {
        read: written.read,
        gpu: words(&written.gpu),
        uses: uses.map(|(one, table)| (one, table.read())).collect(),
    }
});

impl WrittenUse {
    fn read(self) -> Table {
        let sold = self.sold.iter().flat_map(|group| {
            let regions = words(&group.regions);
            let types = words(&group.types).into_iter();
            types.map(move |one| (one, regions.clone()))
        });
        Table {
            types: words(&self.types),
            regions: words(&self.regions),
            sold: sold.collect(),
        }
    }
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn bare(kind: &str) -> &str {
    kind.strip_prefix("ml.").unwrap_or(kind)
}

/// The day on which the table was made, such as `2026-11-23`.
pub fn read_on() -> &'static str {
    &TABLES.read
}

/// Whether an instance type, such as `ml.m5.large`, is taken for a use.
pub fn verdict(kind: &str, used: Use) -> Verdict {
    let kind = bare(kind);
    let has = |table: &Table| table.types.contains(kind);
    if TABLES.uses.get(&used).is_some_and(has) {
        Verdict::Taken
    } else if TABLES.uses.values().any(has) {
        Verdict::Elsewhere
    } else {
        Verdict::Unknown
    }
}

/// What a type is taken for.
pub fn uses(kind: &str) -> impl Iterator<Item = Use> {
    let kind = bare(kind).to_owned();
    let all = TABLES.uses.iter();
    all.filter(move |(_, table)| table.types.contains(&kind))
        .map(|(used, _)| *used)
}

/// The regions in which a type is sold for a use, where `region` is known not to be one of them.
pub fn sold_elsewhere(kind: &str, used: Use, region: &str) -> Option<&'static BTreeSet<String>> {
    let table = TABLES.uses.get(&used)?;
    let sold = table.sold.get(bare(kind))?;
    (table.regions.contains(region) && !sold.contains(region)).then_some(sold)
}

/// Whether a type has a GPU.
pub fn has_gpu(kind: &str) -> bool {
    let family = bare(kind).split('.').next().unwrap_or_default();
    TABLES.gpu.contains(family)
}

/// All types that are taken for a use, with `ml.` in front.
pub fn types(used: Use) -> impl Iterator<Item = String> {
    let table = TABLES.uses.get(&used).into_iter();
    table.flat_map(|table| table.types.iter().map(|one| format!("ml.{one}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_for_what_the_api_takes_them_for() {
        assert_eq!(verdict("ml.m5.large", Use::Hosting), Verdict::Taken);
        assert_eq!(verdict("ml.t3.medium", Use::Hosting), Verdict::Elsewhere);
        assert_eq!(verdict("ml.c5.large", Use::Training), Verdict::Elsewhere);
        assert_eq!(verdict("ml.z9.large", Use::Hosting), Verdict::Unknown);
        assert_eq!(
            uses("ml.t3.medium").collect::<Vec<_>>(),
            [Use::Processing, Use::Training]
        );
        assert!(types(Use::Training).any(|one| one == "ml.m5.xlarge"));
    }

    #[test]
    fn what_is_not_sold_in_a_region_is_known_and_what_is_not_known_is_not_judged() {
        let here = |kind, region| sold_elsewhere(kind, Use::Hosting, region);
        assert!(here("ml.g6e.xlarge", "eu-west-1").is_some_and(|sold| sold.contains("us-east-1")));
        assert_eq!(here("ml.m5.large", "eu-west-1"), None);
        assert_eq!(here("ml.g6e.xlarge", "mars-north-1"), None);
        assert_eq!(here("ml.z9.large", "eu-west-1"), None);
        assert_eq!(
            sold_elsewhere("ml.m5.xlarge", Use::Training, "eu-west-1"),
            None
        );
    }

    #[test]
    fn the_table_has_a_date_and_knows_gpus() {
        assert!(read_on().parse::<jiff::civil::Date>().is_ok());
        assert!(has_gpu("ml.g5.xlarge") && has_gpu("ml.p6-b200.48xlarge"));
        assert!(!has_gpu("ml.m5.large") && !has_gpu("ml.inf2.xlarge"));
    }
}
