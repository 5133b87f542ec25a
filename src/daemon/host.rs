//! A Git host, as all the sources that are there see it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::pace::Pace;
use crate::limits::HOST_CONVERSATIONS_MAX;

/// What the sources of one host share: how often it is asked, and by how many at a time.
#[derive(Debug)]
pub struct Host {
    pace: Mutex<Pace>,
    places: Arc<Semaphore>,
}

impl Host {
    /// A host that bears so many looks a minute; `None`: as many as are wanted.
    pub fn new(looks_per_minute: Option<u32>) -> Arc<Self> {
        Arc::new(Self {
            pace: Mutex::new(Pace::new(looks_per_minute)),
            places: Arc::new(Semaphore::new(HOST_CONVERSATIONS_MAX)),
        })
    }

    /// One source more.
    pub fn join(self: &Arc<Self>) -> Guest {
        let id = self.pace().join();
        Guest {
            host: self.clone(),
            id,
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().expect("no holder of this lock panics")
    }
}

/// One source of a host, until it is dropped.
#[derive(Debug)]
pub struct Guest {
    host: Arc<Host>,
    id: u64,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.host.pace().leave(self.id);
    }
}

impl Guest {
    /// Waits until a look may begin. It lasts as long as what this gives.
    pub(super) async fn turn(&self) -> OwnedSemaphorePermit {
        let place = self.host.places.clone().acquire_owned().await;
        let place = place.expect("the places are never closed");
        loop {
            let taken = self.host.pace().take(Instant::now());
            match taken {
                Ok(()) => return place,
                Err(until) => sleep_until(until).await,
            }
        }
    }

    /// Takes note of a look that was answered; gives how long to wait for the next.
    pub(super) fn answered(&self, moved: bool, poll: Duration) -> Duration {
        let now = Instant::now();
        let mut pace = self.host.pace();
        pace.answered(self.id, moved, now);
        pace.interval(self.id, poll, now)
    }

    /// Takes note that the host asked to be left alone, for how long if it said so; gives how long it is.
    pub(super) fn refused(&self, asked: Option<Duration>) -> Duration {
        self.host.pace().refused(asked, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a look may begin now.
    async fn is_let_in(guest: &Guest) -> Option<OwnedSemaphorePermit> {
        let now = tokio::time::timeout(Duration::ZERO, guest.turn());
        now.await.ok()
    }

    #[tokio::test]
    async fn no_more_are_talking_than_there_are_places_for() {
        let host = Host::new(None);
        let guests: Vec<_> = (0..=HOST_CONVERSATIONS_MAX).map(|_| host.join()).collect();
        let mut turns = Vec::new();
        for guest in &guests {
            turns.extend(is_let_in(guest).await);
        }
        assert_eq!(turns.len(), HOST_CONVERSATIONS_MAX);
        turns.pop();
        assert!(is_let_in(&guests[0]).await.is_some(), "one has ended");
    }

    #[tokio::test]
    async fn a_host_is_asked_as_often_as_it_bears_and_not_before_it_says_so() {
        let host = Host::new(Some(6));
        let guests: Vec<_> = (0..9).map(|_| host.join()).collect();
        let mut let_in = 0;
        for guest in &guests {
            let_in += u32::from(is_let_in(guest).await.is_some());
        }
        assert_eq!(let_in, 6, "in the first minute");
        let poll = Duration::from_secs(15);
        assert_eq!(guests[0].answered(false, poll), poll * 6);
        drop(guests);
        let alone = host.join();
        assert_eq!(alone.answered(false, poll), poll, "the others have left");

        let host = Host::new(None);
        let guest = host.join();
        let pause = Duration::from_secs(1);
        assert_eq!(guest.refused(Some(pause)), pause);
        let began = Instant::now();
        drop(guest.turn().await);
        assert!(began.elapsed() >= pause);
    }
}
