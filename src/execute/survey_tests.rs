use super::*;
use crate::cloud::drive;
use crate::resource::kinds::ENDPOINT;
use crate::resource::unit::Unit;

/// A survey of `churn-staging` where the list of models has so many names on so many pages.
fn survey(
    names: usize,
    pages: usize,
    answer: impl Fn(&Call) -> Answer,
) -> (Survey, Vec<Gap>, usize) {
    let mut desired = Desired::nothing(Unit::environment("churn", "staging"));
    desired.former.push((&ENDPOINT, "churn-staging".to_owned()));
    let mut described = 0;
    let (survey, gaps) = drive(
        Surveying::new(&desired),
        Timestamp::UNIX_EPOCH,
        |call| match call.op {
            "ListModels" => {
                assert_eq!(call.body["NameContains"], "churn-staging");
                let page = call.body["NextToken"]
                    .as_str()
                    .map_or(1, |token| token.parse().expect("our own token"));
                let first = (page - 1) * names;
                let items = (first..first + names)
                    .map(|n| json!({"ModelName": format!("churn-staging-{n}")}));
                let mut answer = json!({"Models": items.collect::<Vec<_>>()});
                if page < pages {
                    answer["NextToken"] = (page + 1).to_string().into();
                }
                Ok(answer)
            }
            "DescribeModel" => {
                described += 1;
                answer(call)
            }
            "ListTags" => Ok(json!({"Tags": []})),
            op if op.starts_with("List") || op == "DescribeAlarms" => Ok(json!({})),
            op => Err(OpError::refused(op, "ResourceNotFound", "there is none")),
        },
    );
    (survey, gaps, described)
}

fn model() -> Value {
    json!({"ModelArn": "arn:aws:sagemaker:eu-west-1:111122223333:model/m"})
}

#[test]
fn every_page_is_read_and_every_name_described() {
    let (survey, gaps, described) = survey(3, 2, |_| Ok(model()));
    assert!(gaps.is_empty() && !survey.partial);
    assert_eq!((described, survey.found.len()), (6, 6));
}

#[test]
fn not_more_names_are_described_than_may_be() {
    let (survey, gaps, described) = survey(SURVEY_NAMES_MAX + 5, 1, |_| Ok(model()));
    assert!(gaps.is_empty());
    assert!(survey.partial, "there is more");
    assert_eq!(described, SURVEY_NAMES_MAX - 1, "and the endpoint");
}

#[test]
fn a_list_without_end_is_partial() {
    let (survey, _, described) = survey(1, LIST_PAGES_MAX + 1, |_| Ok(model()));
    assert!(survey.partial);
    assert_eq!(described, LIST_PAGES_MAX);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_what_is_gone_is_none() {
    let (gone, gaps, _) = survey(2, 1, |call| {
        Err(OpError::refused(call.op, "ResourceNotFound", "it went"))
    });
    assert!(gaps.is_empty() && !gone.partial && gone.found.is_empty());
    let (unread, gaps, _) = survey(2, 1, |call| {
        Err(OpError::refused(call.op, "AccessDeniedException", "no"))
    });
    assert!(unread.partial);
    assert_eq!(gaps.len(), 2);
}
