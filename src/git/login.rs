//! Who trueup says that it is to a web server with repositories.

use std::fmt;
use std::sync::{Arc, Mutex};

use secrecy::{ExposeSecret as _, SecretString};

/// The user name that hosts take with a token in the password's place.
const USER: &str = "x-access-token";

/// A user and a password (or a token in either place), for HTTP's basic authentication.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user, or a token.
    pub user: SecretString,
    /// The password, or a token; may be empty.
    pub password: SecretString,
}

impl Credentials {
    /// A forge's access token, under the user name that GitHub, GitLab and Gitea take.
    pub fn token(token: SecretString) -> Self {
        Self {
            user: SecretString::from(USER),
            password: token,
        }
    }
}

/// Where credentials for a web server come from.
#[derive(Debug, Clone, Default)]
pub enum Login {
    /// There are none.
    #[default]
    Nobody,
    /// These.
    Known(Credentials),
    /// They are asked for anew at each conversation: they may change, or run out.
    Asked(Arc<Asked>),
}

/// Gives credentials. It is called on a thread that may wait.
pub trait Ask: fmt::Debug + Send + Sync {
    /// The credentials for a URL, or, in a phrase without secrets, why there are none.
    fn ask(&self, url: &str) -> Result<Credentials, String>;
}

/// What gives credentials, and what it gave last: words from elsewhere may hold it.
#[derive(Debug)]
pub struct Asked {
    how: Box<dyn Ask>,
    last: Mutex<Option<Credentials>>,
}

impl Login {
    /// Credentials that are asked for.
    pub fn asked(how: impl Ask + 'static) -> Self {
        Self::Asked(Arc::new(Asked {
            how: Box::new(how),
            last: Mutex::default(),
        }))
    }

    /// Whether there is anything to show.
    pub(super) fn is_given(&self) -> bool {
        !matches!(self, Self::Nobody)
    }

    /// The credentials for a URL; `Ok(None)` where there are none.
    pub(super) fn credentials(&self, url: &str) -> Result<Option<Credentials>, String> {
        match self {
            Self::Nobody => Ok(None),
            Self::Known(credentials) => Ok(Some(credentials.clone())),
            Self::Asked(asked) => {
                let given = asked.how.ask(url)?;
                *asked.last.lock().expect("no holder of this lock panics") = Some(given.clone());
                Ok(Some(given))
            }
        }
    }

    /// `text` without the secrets.
    pub(super) fn redact(&self, text: &str) -> String {
        match self {
            Self::Nobody => text.to_owned(),
            Self::Known(credentials) => credentials.redact(text),
            Self::Asked(asked) => {
                let last = asked.last.lock().expect("no holder of this lock panics");
                last.as_ref()
                    .map_or_else(|| text.to_owned(), |last| last.redact(text))
            }
        }
    }
}

impl Credentials {
    fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in [&self.password, &self.user] {
            let secret = secret.expose_secret();
            if secret.len() > 3 && secret != USER {
                text = text.replace(secret, "***");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Counting(Mutex<u32>);

    impl Ask for Counting {
        fn ask(&self, url: &str) -> Result<Credentials, String> {
            let mut count = self.0.lock().unwrap();
            *count += 1;
            match *count {
                3 => Err(format!("nothing for {url}")),
                count => Ok(Credentials::token(format!("hunter{count}").into())),
            }
        }
    }

    #[test]
    fn what_is_asked_for_is_asked_each_time_and_never_shown() {
        let login = Login::asked(Counting(Mutex::new(0)));
        for count in 1..=2 {
            let given = login.credentials("https://h/a").unwrap().unwrap();
            let secret = format!("hunter{count}");
            assert_eq!(given.password.expose_secret(), secret);
            assert!(!format!("{login:?}").contains(&secret));
            assert_eq!(login.redact(&format!("no {secret}")), "no ***");
        }
        let refused = login.credentials("https://h/a").unwrap_err();
        assert_eq!(refused, "nothing for https://h/a");
    }
}
