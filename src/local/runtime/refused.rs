//! Why an invocation has no good answer, in the runtime's own form.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::local::container::NoReply;
use crate::local::http::json_response;
use crate::resource::call::{OpError, Scope};
use crate::world::Route;

/// Characters of what the model said that a client gets.
const ORIGINAL_MAX: usize = 8192;

/// Status, code, and the members beside the message.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: String,
    body: Value,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            body: json!({"message": message, "Message": message}),
        }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// The world's own refusal.
    pub(super) fn from_world(error: &OpError) -> Self {
        let status = match error.code.as_ref() {
            "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, &error.code, &error.message)
    }

    /// No answer came from the model.
    pub(super) fn unanswered(
        scope: &Scope,
        endpoint: &str,
        route: &Route,
        missing: NoReply,
    ) -> Self {
        let variant = &route.variant;
        let model_error = |words| Self::of_model(scope, endpoint, route, 0, words);
        match missing {
            NoReply::Down => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                &format!(
                    "variant {variant} of endpoint {endpoint} of account {} is not up",
                    scope.account
                ),
            ),
            NoReply::Throttled => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "ThrottlingException",
                &format!(
                    "Endpoint {endpoint} answers as many requests as MaxConcurrency of variant \
                     {variant} allows"
                ),
            ),
            NoReply::Late => model_error(
                "Your invocation timed out while waiting for a response from container primary.",
            ),
            NoReply::Broken => {
                model_error("the serving process closed the connection, or its answer was too long")
            }
        }
    }

    /// What clients get for an answer of the model that is not 200.
    pub(super) fn of_model(
        scope: &Scope,
        endpoint: &str,
        route: &Route,
        status: u16,
        original: &str,
    ) -> Self {
        let kind = if (400..500).contains(&status) {
            "client"
        } else {
            "server"
        };
        let original: String = original.chars().take(ORIGINAL_MAX).collect();
        let group = format!("/aws/sagemaker/Endpoints/{endpoint}");
        let message = format!(
            "Received {kind} error ({status}) from primary with message \"{original}\". See {group} \
             in account {} for more information.",
            scope.account
        );
        Self {
            status: StatusCode::FAILED_DEPENDENCY,
            code: "ModelError".to_owned(),
            body: json!({
                "Message": message, "message": message,
                "OriginalStatusCode": status, "OriginalMessage": original,
                "LogStreamArn": format!(
                    "arn:aws:logs:{}:{}:log-group:{group}:log-stream:{}",
                    scope.region, scope.account, route.variant
                ),
            }),
        }
    }

    pub(super) fn response(&self) -> Response {
        let mut response = json_response(self.status, &self.body);
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}
