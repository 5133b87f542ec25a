//! Answers that come in parts, as events of AWS's event streams.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html>

use std::pin::Pin;
use std::task::{Context, Poll};

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use hyper::body::{Body, Bytes, Frame, Incoming};

use crate::local::fleet::Using;

/// The content type of what comes in parts.
pub(super) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The model's answer as events: each piece as it comes.
pub(super) struct Parts {
    inner: Incoming,
    over: bool,
    /// The instance stays up until all of it was passed on.
    _using: Using,
}

impl Parts {
    pub(super) fn new(inner: Incoming, using: Using) -> Self {
        Self {
            inner,
            over: false,
            _using: using,
        }
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let parts = self.get_mut();
        if parts.over {
            return Poll::Ready(None);
        }
        loop {
            let event = match std::task::ready!(Pin::new(&mut parts.inner).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => part(data),
                    // Trailers, or nothing: the stream has neither.
                    Ok(_) | Err(_) => continue,
                },
                Some(Err(error)) => {
                    parts.over = true;
                    broken(&error.to_string())
                }
            };
            return Poll::Ready(Some(Ok(Frame::data(event))));
        }
    }
}

/// A piece of the answer.
fn part(data: Bytes) -> Bytes {
    let message = Message::new(data)
        .add_header(text(":message-type", "event"))
        .add_header(text(":event-type", "PayloadPart"))
        .add_header(text(":content-type", "application/octet-stream"));
    encoded(&message)
}

/// The model broke off.
fn broken(why: &str) -> Bytes {
    let words = serde_json::json!({
        "Message": format!("the serving process broke off: {why}"),
        "ErrorCode": "ModelInvocationTimeExceeded",
    });
    let message = Message::new(words.to_string().into_bytes())
        .add_header(text(":message-type", "exception"))
        .add_header(text(":exception-type", "ModelStreamError"))
        .add_header(text(":content-type", "application/json"));
    encoded(&message)
}

fn text(name: &'static str, value: &'static str) -> Header {
    Header::new(name, HeaderValue::String(value.into()))
}

fn encoded(message: &Message) -> Bytes {
    let mut bytes = Vec::new();
    write_message_to(message, &mut bytes).expect("headers are short, and a frame is below 16 MB");
    bytes.into()
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::read_message_from;

    use super::*;

    #[test]
    fn events_are_what_a_client_reads() {
        let check = |bytes: Bytes, headers: &[(&str, &str)], payload: &str| {
            let message = read_message_from(bytes).unwrap();
            let found = message.headers().iter().map(|header| {
                let value = header.value().as_string().unwrap().as_str();
                (header.name().as_str(), value)
            });
            assert!(found.take(2).eq(headers.iter().copied()));
            let found = String::from_utf8_lossy(message.payload());
            assert!(found.contains(payload), "{found}");
        };
        let event = [(":message-type", "event"), (":event-type", "PayloadPart")];
        check(part(Bytes::from_static(b"piece")), &event, "piece");
        let exception = [
            (":message-type", "exception"),
            (":exception-type", "ModelStreamError"),
        ];
        check(broken("reset"), &exception, "reset");
    }
}
