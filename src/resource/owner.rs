//! Who a resource belongs to, as tags on it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::unit::Unit;

/// `<installation>/<model>/<place>`.
pub const OWNER: &str = "trueup:owner";
/// The resource's own name: a copied tag does not match it.
pub const SELF: &str = "trueup:self";
/// Digest of what was asked for when it was created.
pub const DIGEST: &str = "trueup:digest";
/// The commit that created it. Never updated, never compared.
pub const COMMIT: &str = "trueup:commit";
/// When this endpoint config was first seen to hold on its endpoint.
pub const CONVERGED: &str = "trueup:converged";
/// What was asked of this resource when it was last seen to hold that: `v1:<64 hex>`. Kept only where
/// what differs from it is to be reported.
pub const HELD: &str = "trueup:held";
/// The last attempt to bring this endpoint config to its endpoint; see [`crate::plan`].
pub const UPDATE: &str = "trueup:update";

/// On an endpoint: a person's order to serve an earlier release, given while Git was down.
pub const OVERRIDE: &str = "trueup:override";

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The value of [`OWNER`].
pub fn owner(installation: &str, unit: &Unit) -> String {
    format!("{installation}/{unit}")
}

/// Whether these tags say that the resource called `name` belongs to `owner`.
pub fn owns(tags: &Tags, owner: &str, name: &str) -> bool {
    tags.get(OWNER).is_some_and(|found| found == owner)
        && tags.get(SELF).is_some_and(|found| found == name)
}

/// The API's list form.
pub fn to_list(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// Reads the API's list form. AWS's own tags (`aws:…`) are left out.
pub fn from_list(list: &Value) -> Tags {
    let tags = in_list(list);
    tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The same, as the list has them, in the order of their keys.
pub fn in_order(list: &Value) -> BTreeMap<&str, &str> {
    in_list(list).collect()
}

fn in_list(list: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tags = list.as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["Key"].as_str()?, tag["Value"].as_str()?)))
        .filter(|(key, _)| !key.starts_with("aws:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_tag_does_not_make_an_owner() {
        let unit = Unit::environment("churn", "staging");
        let mine = owner("acme", &unit);
        let tags = Tags::from([
            (OWNER.into(), mine.clone()),
            (SELF.into(), "churn-staging".into()),
        ]);
        assert!(owns(&tags, &mine, "churn-staging"));
        assert!(
            !owns(&tags, &mine, "churn-staging-2"),
            "copied to another resource"
        );
        assert!(
            !owns(&tags, "other/churn/staging", "churn-staging"),
            "another installation"
        );
        assert!(!owns(&Tags::new(), &mine, "churn-staging"));
    }

    #[test]
    fn awss_own_tags_are_not_ours_to_see() {
        let list = json!([{"Key": "aws:cloudformation:stack-name", "Value": "s"}, {"Key": "a", "Value": "b"}]);
        assert_eq!(from_list(&list), Tags::from([("a".into(), "b".into())]));
        assert_eq!(from_list(&to_list(&from_list(&list))), from_list(&list));
    }
}
