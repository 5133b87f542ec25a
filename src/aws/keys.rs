//! The AWS identity of this process, for what is signed elsewhere: passwords of `CodeCommit`.

use std::sync::Mutex;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;

use super::{Options, load};
use crate::clock::{SignedDuration, Timestamp};

/// How long keys are used that do not say when they run out.
const KEPT: SignedDuration = SignedDuration::from_mins(15);
/// How long before they run out keys are no longer used.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Looks up the keys of an identity, and keeps them as long as they hold.
#[derive(Debug)]
pub struct Identity {
    profile: Option<String>,
    held: Mutex<Option<(Credentials, Timestamp)>>,
}

impl Identity {
    /// That of a profile, or the standard chain's.
    pub fn of(profile: Option<String>) -> Self {
        Self {
            profile,
            held: Mutex::default(),
        }
    }

    /// Its keys. Blocks while they are looked up: not for a thread of the async runtime.
    pub fn keys(&self, now: Timestamp) -> Result<Credentials, String> {
        let mut held = self.held.lock().expect("no holder of this lock panics");
        if let Some((keys, until)) = &*held
            && now < *until
        {
            return Ok(keys.clone());
        }
        let keys = look_up(self.profile.clone())?;
        *held = Some((keys.clone(), until(&keys, now)));
        Ok(keys)
    }
}

fn until(keys: &Credentials, now: Timestamp) -> Timestamp {
    let told = keys.expiry().and_then(|at| Timestamp::try_from(at).ok());
    match told {
        Some(at) => at.saturating_sub(MARGIN).unwrap_or(now),
        None => now.saturating_add(KEPT).unwrap_or(now),
    }
}

fn look_up(profile: Option<String>) -> Result<Credentials, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let config = load(Options {
            profile,
            ..Options::default()
        });
        let provider = config.await.credentials_provider();
        let provider = provider.ok_or("there are no AWS credentials")?;
        let keys = provider.provide_credentials().await;
        keys.map_err(|error| format!("there are no AWS credentials: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn keys_are_kept_until_shortly_before_they_run_out() {
        let now = Timestamp::from_second(10_000).unwrap();
        let check = |expiry: Option<u64>, expect: i64| {
            let expiry = expiry.map(|at| UNIX_EPOCH + Duration::from_secs(at));
            let keys = Credentials::new("id", "secret", None, expiry, "test");
            assert_eq!(until(&keys, now).as_second(), expect);
        };
        check(None, 10_000 + 15 * 60);
        check(Some(20_000), 20_000 - 5 * 60);
        check(Some(1), 1 - 5 * 60);
    }
}
