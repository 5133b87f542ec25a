use std::cell::Cell;

use super::*;
use crate::cloud::drive;
use crate::limits::NEWEST_PAGES_MAX;
use crate::resource::desired::{Key, Resource};
use crate::resource::kinds::ENDPOINT;
use crate::resource::unit::Unit;

const DIGEST: &str = "d1";

fn desired(resources: Vec<Resource>) -> Desired {
    let mut desired = Desired::nothing(Unit::home("churn"));
    desired.resources = resources;
    desired.run = Some(Run::churn(DIGEST));
    desired
}

/// A list of `total` pages of one item each: the item at page `at`, others elsewhere.
fn page(
    (member, item, other): (&str, &Value, &Value),
    at: Option<usize>,
    total: usize,
    call: &Call,
) -> Value {
    let number = call.body["NextToken"].as_str().unwrap_or("0");
    let number: usize = number.parse().expect("our own token");
    let item = if at == Some(number) { item } else { other };
    let mut page = json!({member: [item]});
    if number + 1 < total {
        page["NextToken"] = (number + 1).to_string().into();
    }
    page
}

/// Where the run's execution and its package stand in lists of how many pages; what was read of
/// each, and whether it was cut.
fn check(
    executions: (Option<usize>, usize),
    packages: (Option<usize>, usize),
    read_executions: Option<(usize, bool)>,
    read_packages: (usize, bool),
) {
    let execution = json!({
        "PipelineExecutionDisplayName": format!("{DIGEST}-a1"),
        "PipelineExecutionStatus": "Executing",
    });
    let package = json!({
        "ModelPackageDescription":
            crate::compile::definition::package_description(DIGEST, "s1"),
        "ModelPackageStatus": "Completed",
        "ModelPackageArn": "arn:p",
    });
    let other = json!({"PipelineExecutionDisplayName": "other"});
    let observe = Observe::new(Arc::new(desired(Vec::new())));
    let observed = drive(observe, Timestamp::UNIX_EPOCH, |call| match call.op {
        "ListPipelineExecutions" => {
            let list = ("PipelineExecutionSummaries", &execution, &other);
            Ok(page(list, executions.0, executions.1, call))
        }
        "ListModelPackages" => {
            let list = ("ModelPackageSummaryList", &package, &other);
            Ok(page(list, packages.0, packages.1, call))
        }
        "DescribeModelPackage" => Ok(json!({})),
        op => panic!("{op} is not needed"),
    });
    assert_eq!(observed.gaps, []);
    let read = |list: &Newest| (list.items.len(), list.cut);
    assert_eq!(observed.executions.as_ref().map(read), read_executions);
    assert_eq!(observed.packages.as_ref().map(read), Some(read_packages));
}

#[test]
fn lists_are_read_as_far_as_they_matter() {
    // The package is found: nobody asks how it came about.
    check((None, 1), (Some(0), 9), None, (1, false));
    check((None, 1), (Some(3), 9), None, (4, false));
    // No package: the executions say whether one is on its way, down to the first that is found.
    check((None, 3), (None, 2), Some((3, false)), (2, false));
    check((Some(0), 9), (None, 2), Some((1, false)), (2, false));
    check((Some(4), 9), (None, 2), Some((5, false)), (2, false));
}

#[test]
fn lists_that_grow_for_ever_are_read_to_the_limit_and_no_further() {
    const MAX: usize = NEWEST_PAGES_MAX;
    check((None, MAX), (None, MAX), Some((MAX, false)), (MAX, false));
    check(
        (None, MAX + 1),
        (None, MAX + 1),
        Some((MAX, true)),
        (MAX, true),
    );
    // The last page that is read holds it, or the first that is not.
    check(
        (Some(MAX - 1), MAX + 9),
        (None, 1),
        Some((MAX, false)),
        (1, false),
    );
    check(
        (Some(MAX), MAX + 9),
        (None, 1),
        Some((MAX, true)),
        (1, false),
    );
    check((None, 1), (Some(MAX - 1), MAX + 9), None, (MAX, false));
    check(
        (None, 1),
        (Some(MAX), MAX + 9),
        Some((1, false)),
        (MAX, true),
    );
}

/// The look at an object whose tags fill so many pages.
fn tagged(pages: usize) -> Look {
    let endpoint = Resource {
        key: Key::new(&ENDPOINT, ""),
        kind: &ENDPOINT,
        stem: "churn-staging".to_owned(),
        body: json!({}).into(),
        tags: Tags::new(),
        content: None,
        verify: Vec::new(),
        after: Vec::new(),
        origin: None,
    };
    let mut desired = desired(vec![endpoint]);
    desired.run = None;
    let asked = Cell::new(0);
    let observed = drive(
        Observe::new(Arc::new(desired)),
        Timestamp::UNIX_EPOCH,
        |call| match call.op {
            "DescribeEndpoint" => Ok(json!({"EndpointArn": "arn:e"})),
            "ListTags" => {
                assert_eq!(call.body["ResourceArn"], "arn:e");
                asked.set(asked.get() + 1);
                let tag = ("Tags", &Value::Null, &json!({"Key": "k", "Value": "v"}));
                Ok(page(tag, None, pages, call))
            }
            op => panic!("{op} is not needed"),
        },
    );
    assert_eq!(asked.get(), pages.min(LIST_PAGES_MAX));
    let look = observed.look(&ENDPOINT, "churn-staging").cloned();
    let look = look.expect("it was looked at");
    assert_eq!(observed.gaps.is_empty(), matches!(look, Look::Present(_)));
    look
}

#[test]
fn tags_beyond_the_limit_make_a_gap() {
    for pages in [1, LIST_PAGES_MAX] {
        let Look::Present(object) = tagged(pages) else {
            panic!("{pages} pages are read");
        };
        assert_eq!(object.tags["k"], "v");
    }
    let Look::Unknown(error) = tagged(LIST_PAGES_MAX + 1) else {
        panic!("it is not known whose it is");
    };
    assert!(!error.class.is_final());
    assert_eq!(error.message, "more than 50 pages");
}
