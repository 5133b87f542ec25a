//! What fails around the daemon, and what it makes of it: it says what to do, asks no more than a
//! bound, writes no more than a bound, and goes on when the fault is over.
//!
//! | fault | shown by |
//! |---|---|
//! | each call to AWS in turn is refused, never answered, answered late, done and answered with an error; three in ten are throttled | [`calls`] |
//! | the Git host or AWS is down, refuses, throttles; a pack is cut off half-way | [`away`] |
//! | no room, no right to write, a damaged store, a port in use, no file descriptors | [`machine`] |
//! | a certificate that is not to be trusted, an authority and a proxy of one's own | [`tls`] |
//!
//! Elsewhere: a Git host that falls silent (`git::remotes`), clocks that jump or stand still
//! (`sim::lease`, `execute::lease::model_tests`), an end that is asked for at any call (`kill::each`).

mod away;
mod calls;
mod machine;
mod tls;
