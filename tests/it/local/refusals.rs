//! What is refused, and how: errors have the service's own form.

use axum::http::Request;
use serde_json::json;

use super::{send, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_modelled_is_refused_by_name() {
    let local = start(None).await;
    let error = local
        .call("CreateNotebookInstance", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error["__type"], "UnsupportedOperation");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("CreateNotebookInstance")
    );
    let missing = local
        .sagemaker
        .describe_endpoint()
        .endpoint_name("none")
        .send()
        .await;
    let missing = missing.unwrap_err().into_service_error();
    assert_eq!(missing.meta().code(), Some("ValidationException"));
    assert!(
        missing
            .meta()
            .message()
            .unwrap()
            .starts_with("Could not find endpoint")
    );

    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let request = Request::post(&local.url).header("content-type", form);
    let body = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
    let (status, headers, body) = send(request, body).await;
    assert_eq!(status, 200);
    assert!(headers.contains_key("x-amzn-requestid"));
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("<Account>111122223333</Account>")
    );
    let request = Request::get(format!("{}/_trueup/health", local.url));
    assert_eq!(send(request, Vec::new()).await.0, 200);
    let request = Request::get(format!("{}/_trueup/health", local.url));
    let (status, _, _) = send(request.header("host", "evil.example"), Vec::new()).await;
    assert_eq!(status, 403);
    local.handle.shutdown().await;
}
