//! What really goes over the wire: our bytes in place of the SDK's, and the answer as it came.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::Limited;

use crate::limits;
use crate::resource::call::Call;

/// How far a request has come. It never goes back: once an attempt was sent, the call was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The SDK builds the request.
    #[default]
    Preparing,
    /// Credentials and address are looked up.
    Authorizing,
    /// It is signed.
    Signing,
    /// It was handed to the connection.
    Sent,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    /// HTTP status.
    pub(super) status: u16,
    /// The header that names the error, where there is one.
    pub(super) error_type: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// One call on its way, shared with the SDK that carries it.
#[derive(Clone)]
pub(super) struct Exchange {
    /// What is sent in place of the SDK's body, where the protocol is JSON.
    body: Option<Arc<[u8]>>,
    progress: Arc<Mutex<Progress>>,
}

#[derive(Debug, Default)]
struct Progress {
    stage: Stage,
    request_id: Option<String>,
    received: Option<Received>,
}

impl Exchange {
    /// A call that has not begun.
    pub(super) fn new(call: &Call) -> Self {
        let json = super::speaks_json(call.op).then(|| call.body.to_string().into_bytes().into());
        Self {
            body: json,
            progress: Arc::default(),
        }
    }

    /// How far it has come.
    pub(super) fn stage(&self) -> Stage {
        self.progress().stage
    }

    /// The last attempt's answer, if it was read to its end.
    pub(super) fn received(&self) -> Option<Received> {
        self.progress().received.clone()
    }

    /// AWS's own name for the last attempt that was answered.
    pub(super) fn request_id(&self) -> Option<String> {
        self.progress().request_id.clone()
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().expect("no holder of this lock panics")
    }

    fn reach(&self, stage: Stage) {
        let mut progress = self.progress();
        progress.stage = progress.stage.max(stage);
    }
}

/// Without the body, which the SDK's own log would otherwise print.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("stage", &self.stage())
            .finish_non_exhaustive()
    }
}

impl Intercept for Exchange {
    fn name(&self) -> &'static str {
        "Exchange"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.progress().received = None;
        self.reach(Stage::Authorizing);
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.reach(Stage::Signing);
        if let Some(body) = &self.body {
            let request = context.request_mut();
            request
                .headers_mut()
                .insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body.to_vec());
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.reach(Stage::Sent);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        self.progress().request_id = request_id(response);
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        let bounded = Limited::new(body, limits::ANSWER_BYTES_MAX);
        *response.body_mut() = SdkBody::from_body_1_x(bounded);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // In memory only when it was read to its end.
        self.progress().received = response.body().bytes().map(|body| Received {
            status: response.status().as_u16(),
            error_type: header(response, "x-amzn-errortype"),
            body: body.to_vec(),
        });
        Ok(())
    }
}

fn request_id(response: &HttpResponse) -> Option<String> {
    header(response, "x-amzn-requestid").or_else(|| header(response, "x-amz-request-id"))
}

fn header(response: &HttpResponse, name: &str) -> Option<String> {
    response.headers().get(name).map(str::to_owned)
}
