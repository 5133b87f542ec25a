//! Passwords of `CodeCommit` over HTTPS: a signature, version 4, of the repository's path.
//!
//! The user is the access key id, with `%` and the session token behind it where there is one. The
//! method of what is signed is `GIT`, its only header is `host`, and nothing stands for the body.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::login::Credentials;
use crate::clock::Timestamp;

/// Keys of an AWS identity.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// The access key's id.
    pub id: String,
    /// The access key's secret.
    pub secret: SecretString,
    /// The session token of keys that run out.
    pub session: Option<SecretString>,
}

/// The credentials for a repository's URL in a region, at a time. They hold for 15 minutes.
pub fn credentials(keys: &AwsKeys, region: &str, url: &str, now: Timestamp) -> Credentials {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let time = now.strftime("%Y%m%dT%H%M%S").to_string();
    let date = &time[..8];
    let request = format!("GIT\n/{path}\n\nhost:{host}\n\nhost\n");
    let scope = format!("{date}/{region}/codecommit/aws4_request");
    let digest = HEXLOWER.encode(&Sha256::digest(request));
    let signed = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    let first = format!("AWS4{}", keys.secret.expose_secret()).into_bytes();
    let key = [date, region, "codecommit", "aws4_request"]
        .iter()
        .fold(first, |key, part| mac(&key, part));
    let signature = HEXLOWER.encode(&mac(&key, &signed));
    let user = match &keys.session {
        Some(session) => format!("{}%{}", keys.id, session.expose_secret()),
        None => keys.id.clone(),
    };
    Credentials {
        user: SecretString::from(user),
        password: SecretString::from(format!("{time}Z{signature}")),
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signatures that botocore makes of the same request.
    #[test]
    fn passwords_are_those_of_other_clients() {
        let check = |session: Option<&str>,
                     (region, url, now): (&str, &str, &str),
                     expect: (&str, &str)| {
            let keys = AwsKeys {
                id: "AKIDEXAMPLE".to_owned(),
                secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
                session: session.map(|token| token.to_owned().into()),
            };
            let made = credentials(&keys, region, url, now.parse().unwrap());
            let (user, password) = (made.user.expose_secret(), made.password.expose_secret());
            assert_eq!((user, password), expect);
        };
        check(
            None,
            (
                "eu-west-1",
                "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/models",
                "2026-01-02T03:04:05Z",
            ),
            (
                "AKIDEXAMPLE",
                "20260102T030405Zf99c956359bc7c068fb1ab1d33940716c778a2424d2865045186e33d3ea90833",
            ),
        );
        check(
            Some("tok%en/="),
            (
                "cn-north-1",
                "https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/a.b-c_d",
                "2027-12-31T23:59:59Z",
            ),
            (
                "AKIDEXAMPLE%tok%en/=",
                "20271231T235959Z336f3d1b7085d82ab8c994139780276a30b71e83dc83f97bf160c15583d021ce",
            ),
        );
    }
}
