//! Requests in AWS's protocols to calls, answers back.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use hyper::body::Bytes;
use serde_json::Value;

use super::calls::CallRecord;
use super::engine::Engine;
use super::http::{region, small, typed};
use super::intake::Unread;
use super::protocol::{Malformed, Refused, cbor, json, query, rest, xml};
use super::queues;
use super::services::{self, Door, Protocol, Service};
use crate::limits::CALL_LOG_BODY_BYTES_MAX;
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::world::shape;

/// An operation that is asked for.
struct Asked {
    /// Whose it is.
    service: &'static str,
    /// Its name.
    op: &'static str,
    /// Bytes of the request.
    size: usize,
}

/// Whom an answer is for: it speaks as it was spoken to.
struct Caller {
    service: Option<&'static Service>,
    protocol: Protocol,
    /// Names the request in XML.
    id: String,
}

/// Answers a request that came to a service's door.
pub(super) async fn answer(engine: &Arc<Engine>, door: Door, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut caller = Caller {
        service: door.service,
        protocol: door.protocol,
        id: engine.uuid(),
    };
    let bytes = match small(body).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLong) => {
            return caller.refuse("RequestEntityTooLarge", "the request's body is too long");
        }
        Err(Unread::Broken) => {
            return caller.refuse("RequestTimeout", "the request's body did not come in time");
        }
    };
    let (op, body) = match caller.read(&door.op, &parts, &bytes) {
        Ok(Some(asked)) => asked,
        Ok(None) => return caller.unsupported(&door.op, &parts, &bytes),
        Err(Malformed(why)) => return caller.refuse("SerializationException", why),
    };
    let asked = Asked {
        service: caller.service.map_or("", |service| service.name),
        op,
        size: bytes.len(),
    };
    match ask(engine, &parts.headers, asked, body).await {
        Ok(answer) => caller.answered(op, &answer),
        Err(OpError { code, message, .. }) => caller.refuse(&code, &message),
    }
}

/// Refuses a request that came to a service's door, in the service's own form.
pub(super) fn refuse(engine: &Engine, door: &Door, code: &str, message: &str) -> Response {
    let caller = Caller {
        service: door.service,
        protocol: door.protocol,
        id: engine.uuid(),
    };
    caller.refuse(code, message)
}

/// Asks the world, and remembers that it was asked.
async fn ask(engine: &Arc<Engine>, headers: &HeaderMap, asked: Asked, body: Value) -> Answer {
    let scope = Scope {
        account: engine.account().to_owned(),
        region: region(headers).to_owned(),
    };
    let kept = (asked.size <= CALL_LOG_BODY_BYTES_MAX).then(|| body.clone());
    let call = Call::new(asked.op, &scope, body);
    let answer = queues::ask(engine, &call).await;
    engine.calls.push(CallRecord {
        at: engine.now(),
        service: asked.service.to_owned(),
        op: short(asked.op).to_owned(),
        region: scope.region,
        request: kept,
        error: answer.as_ref().err().map(|error| error.code.clone()),
        mutates: call.mutates(),
        ..CallRecord::default()
    });
    answer
}

/// The HTTP status of an error that its model does not tell one of.
fn status(code: &str) -> StatusCode {
    match code {
        "InternalFailure" | "InternalServerError" => StatusCode::INTERNAL_SERVER_ERROR,
        "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
        "RequestEntityTooLarge" => StatusCode::PAYLOAD_TOO_LARGE,
        "RequestTimeout" => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// An operation's name without its service.
fn short(op: &str) -> &str {
    op.rsplit(':').next().unwrap_or(op)
}

impl Caller {
    /// The operation and its request; `Ok(None)`: there is no such operation.
    fn read(
        &mut self,
        name: &str,
        parts: &Parts,
        bytes: &Bytes,
    ) -> Result<Option<(&'static str, Value)>, Malformed> {
        let query = parts.uri.query().unwrap_or_default();
        if self.protocol == Protocol::Query {
            let form = query::Form::read(if bytes.is_empty() {
                query.as_bytes()
            } else {
                bytes
            })?;
            self.service = self
                .service
                .or_else(|| services::of_version(form.get("Version")));
            let op = self.operation(form.get("Action"));
            return Ok(op.map(|op| {
                let mut body = form.body(shape::asked(op));
                self.name_by_path(parts.uri.path(), &mut body);
                (op, body)
            }));
        }
        let Some(op) = self.operation(name) else {
            return Ok(None);
        };
        let body = match self.protocol {
            Protocol::Cbor => cbor::read(bytes)?,
            Protocol::Rest => {
                let template = shape::route(op).map_or("", |(_, template)| template);
                let places = rest::placed(template, parts.uri.path()).unwrap_or_default();
                rest::read(shape::asked(op), &places, query, bytes)?
            }
            Protocol::Json(_) | Protocol::Query => json::read(bytes)?,
        };
        Ok(Some((op, body)))
    }

    /// Names the queue that a form is sent to, where the form itself names none.
    fn name_by_path(&self, path: &str, body: &mut Value) {
        let path = path.trim_end_matches('/');
        let by_path = self.service.is_some_and(|service| service.names_by_path);
        if by_path && !path.is_empty() && body.get("QueueUrl").is_none() {
            body["QueueUrl"] = path.into();
        }
    }

    fn operation(&self, name: &str) -> Option<&'static str> {
        self.service.and_then(|service| service.operation(name))
    }

    fn answered(&self, op: &str, answer: &Value) -> Response {
        let members = shape::answered(op);
        let namespace = self.service.map_or("", |service| service.namespace);
        match self.protocol {
            Protocol::Json(version) => {
                self.respond(StatusCode::OK, json_type(version), json::write(answer))
            }
            Protocol::Rest => self.respond(StatusCode::OK, "application/json", json::write(answer)),
            Protocol::Cbor => self.respond(
                StatusCode::OK,
                "application/cbor",
                cbor::write(members, answer),
            ),
            Protocol::Query => {
                let xml = xml::write(short(op), namespace, &self.id, members, answer);
                self.respond(StatusCode::OK, "text/xml", xml)
            }
        }
    }

    /// Refuses an operation that is not modelled, by its name.
    fn unsupported(&self, name: &str, parts: &Parts, bytes: &Bytes) -> Response {
        let (code, what) = match self.protocol {
            Protocol::Query => {
                let form = query::Form::read(bytes).unwrap_or_default();
                ("InvalidAction", form.get("Action").to_owned())
            }
            Protocol::Cbor => ("UnsupportedOperation", parts.uri.path().to_owned()),
            Protocol::Json(_) => {
                let target = super::http::header_text(&parts.headers, "x-amz-target");
                ("UnsupportedOperation", target.to_owned())
            }
            Protocol::Rest => ("UnsupportedOperation", name.to_owned()),
        };
        self.refuse(
            code,
            &format!("the local SageMaker does not support {what}"),
        )
    }

    fn refuse(&self, error: &str, message: &str) -> Response {
        let called = self.service.unwrap_or(&services::NONE).called(error);
        let told = called
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let status = told.unwrap_or_else(|| status(error));
        let refused = Refused {
            name: &called.name,
            code: &called.code,
            message,
        };
        let mut response = match self.protocol {
            Protocol::Json(version) => {
                self.respond(status, json_type(version), json::write_error(&refused))
            }
            Protocol::Rest => self.respond(status, "application/json", json::write_error(&refused)),
            Protocol::Cbor => self.respond(status, "application/cbor", cbor::write_error(&refused)),
            Protocol::Query => {
                let namespace = self.service.map_or("", |service| service.namespace);
                self.respond(
                    status,
                    "text/xml",
                    xml::write_error(namespace, &self.id, &refused),
                )
            }
        };
        let compatible = self.service.is_some_and(|service| service.query_compatible);
        let query = format!("{};Sender", called.code);
        for (header, value) in [
            ("x-amzn-errortype", Some(&called.name)),
            ("x-amzn-query-error", compatible.then_some(&query)),
        ] {
            let value = value.and_then(|value| HeaderValue::from_str(value).ok());
            response
                .headers_mut()
                .extend(value.map(|value| (axum::http::HeaderName::from_static(header), value)));
        }
        response
    }

    fn respond(
        &self,
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<axum::body::Body>,
    ) -> Response {
        let mut response = typed(status, content_type, body);
        if self.protocol == Protocol::Cbor {
            let protocol = HeaderValue::from_static("rpc-v2-cbor");
            response.headers_mut().insert("smithy-protocol", protocol);
        }
        response
    }
}

fn json_type(version: &str) -> &'static str {
    match version {
        "1.0" => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    }
}
