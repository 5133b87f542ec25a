//! STS, as far as clients ask it who they are.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::calls::CallRecord;
use super::engine::Engine;
use super::http::{region, small, typed};

/// Answers a request of the query protocol.
pub(super) async fn answer(engine: &Arc<Engine>, request: Request) -> Response {
    let region = region(request.headers()).to_owned();
    let body = small(request.into_body()).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .filter(|action| action.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_default();
    let known = action == "GetCallerIdentity";
    engine.calls.push(CallRecord {
        at: engine.now(),
        service: "sts".to_owned(),
        op: action.to_owned(),
        region,
        error: (!known).then(|| "InvalidAction".to_owned()),
        ..CallRecord::default()
    });
    let id = engine.uuid();
    if !known {
        let xml = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code>InvalidAction</Code>\
             <Message>the local SageMaker does not support {action}</Message></Error>\
             <RequestId>{id}</RequestId></ErrorResponse>"
        );
        return typed(StatusCode::BAD_REQUEST, "text/xml", xml);
    }
    let account = engine.account();
    let xml = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/local</Arn>\
         <UserId>AIDALOCAL</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
    typed(StatusCode::OK, "text/xml", xml)
}
