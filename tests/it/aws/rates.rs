//! Service Quotas is asked how often calls may be made, once, and nothing waits for it.

use serde_json::json;
use trueup::aws::{Aws, Options};

use super::server::{Reply, Server};
use super::{call, options};

/// The operations that were asked for once nothing more comes, and the tokens of quota pages.
async fn asked(replies: Vec<Reply>, calls: usize) -> Vec<(String, serde_json::Value)> {
    let total = replies.len();
    let server = Server::start(replies).await;
    let rated = Options {
        rated: true,
        ..options(&server.url)
    };
    let aws = Aws::connect(rated).await;
    for _ in 0..calls {
        // What it is answered depends on who comes first: the script is one queue.
        drop(aws.call(&call("ListModels", json!({}))).await);
    }
    while server.seen().len() < total {
        tokio::task::yield_now().await;
    }
    let seen = server.seen().into_iter();
    seen.map(|one| {
        let op = one.header("x-amz-target").rsplit('.').next();
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        (op.unwrap_or_default().to_owned(), body)
    })
    .collect()
}

#[tokio::test]
async fn quotas_are_asked_for_page_by_page() {
    let page = |token: serde_json::Value| {
        Reply::json(200, json!({"Models": [], "Quotas": [], "NextToken": token}))
    };
    let replies = vec![page(json!("t")), page(json!("t")), page(json!("t"))];
    let seen = asked(replies, 1).await;
    let quotas: Vec<_> = seen
        .iter()
        .filter(|(op, _)| op == "ListServiceQuotas")
        .collect();
    assert!(quotas.len() >= 2, "{seen:?}");
    assert_eq!(quotas[0].1["ServiceCode"], "sagemaker");
    assert!(quotas[0].1["NextToken"].is_null());
    assert_eq!(quotas[1].1["NextToken"], "t");
}

#[tokio::test]
async fn what_may_not_be_read_is_not_asked_for_again() {
    let denied = || {
        let words = "not authorized to perform: servicequotas:ListServiceQuotas";
        Reply::json(
            400,
            json!({"__type": "AccessDeniedException", "message": words}),
        )
    };
    let seen = asked(vec![denied(), denied(), denied()], 2).await;
    let quotas = seen.iter().filter(|(op, _)| op == "ListServiceQuotas");
    assert_eq!(quotas.count(), 1);
}
