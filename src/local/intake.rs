//! Bodies of requests: whole in memory within a bound, and never waited for without end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Interval, interval_at};

use crate::limits::{LOCAL_DRAINED_BYTES_MAX, LOCAL_PIECE_BYTES};

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than it may be.
    TooLong,
    /// Its sender went away, or sends too slowly.
    Broken,
}

/// The whole body, up to `limit` bytes. Of a longer one some more is read and dropped: who is still
/// sending does not hear an answer.
pub(super) async fn whole(mut body: Body, limit: usize) -> Result<Bytes, Unread> {
    let (mut kept, mut size) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        size = size.saturating_add(piece.len());
        if size <= limit {
            kept.extend_from_slice(&piece);
        } else {
            kept = Vec::new();
        }
        if size > limit.saturating_add(LOCAL_DRAINED_BYTES_MAX) {
            break;
        }
    }
    if size > limit {
        return Err(Unread::TooLong);
    }
    Ok(kept.into())
}

/// A body of which each [`LOCAL_PIECE_BYTES`] have to come within some time.
pub(super) struct Paced {
    body: Body,
    /// Bytes of the piece that is coming.
    came: usize,
    alarm: Interval,
}

impl Paced {
    pub(super) fn new(body: Body, patience: Duration) -> Self {
        Self {
            body,
            came: 0,
            alarm: interval_at(Instant::now() + patience, patience),
        }
    }
}

/// The sender of a body takes too long over it.
#[derive(Debug, thiserror::Error)]
#[error("the request's body comes too slowly")]
struct TooSlow;

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
                self.came += data.and_then(Frame::data_ref).map_or(0, Bytes::len);
                if self.came >= LOCAL_PIECE_BYTES {
                    self.came = 0;
                    self.alarm.reset();
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let late = self.alarm.poll_tick(context);
                late.map(|_| Some(Err(axum::Error::new(TooSlow))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::time::interval;

    use super::*;

    fn of(size: usize) -> Body {
        Body::new(Full::new(Bytes::from(vec![0; size])))
    }

    #[tokio::test]
    async fn a_body_is_whole_or_too_long() {
        assert_eq!(whole(of(3), 3).await.unwrap().len(), 3);
        assert_eq!(whole(of(4), 3).await, Err(Unread::TooLong));
        let endless = of(LOCAL_DRAINED_BYTES_MAX + 4);
        assert_eq!(whole(endless, 3).await, Err(Unread::TooLong));
    }

    /// So many pieces, one after the other.
    struct Trickle {
        ticks: Interval,
        left: usize,
        piece: usize,
    }

    impl HttpBody for Trickle {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.ticks.poll_tick(context).map(|_| {
                self.left -= 1;
                Some(Ok(Frame::data(vec![0; self.piece].into())))
            })
        }
    }

    #[tokio::test]
    async fn a_body_that_trickles_is_given_up() {
        let check = async |piece: usize, count: usize| {
            let body = Body::new(Trickle {
                ticks: interval(Duration::from_millis(50)),
                left: count,
                piece,
            });
            let paced = Paced::new(body, Duration::from_millis(400));
            whole(Body::new(paced), usize::MAX / 2).await
        };
        assert_eq!(check(1, 100).await, Err(Unread::Broken));
        let whole = check(LOCAL_PIECE_BYTES, 16).await.unwrap();
        assert_eq!(whole.len(), 16 * LOCAL_PIECE_BYTES);
    }
}
