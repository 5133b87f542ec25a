//! Whose credentials a call goes out with.

use serde_json::json;
use trueup::aws::{Aws, Options, Role, Roles};
use trueup::resource::call::{Answer, Sent};
use trueup::resource::error::Class;

use super::server::{Reply, Seen, Server};
use super::{call, check, options};

const OWN: &str = "111122223333";

/// `GetCallerIdentity`'s answer for an account.
fn identity(account: &str) -> Reply {
    let xml = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Account>{account}</Account></GetCallerIdentityResult>\
         </GetCallerIdentityResponse>"
    );
    Reply::text(200, &xml).header("content-type", "text/xml")
}

/// `AssumeRole`'s answer.
fn session(key: &str) -> Reply {
    let xml = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::{OWN}:assumed-role/r/trueup</Arn>\
         <AssumedRoleId>AROA:trueup</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>the-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    Reply::text(200, &xml).header("content-type", "text/xml")
}

/// Two calls with these roles.
async fn two_calls(
    roles: Roles,
    replies: impl IntoIterator<Item = Reply>,
) -> (Vec<Answer>, Vec<Seen>) {
    let server = Server::start(replies).await;
    let aws = Aws::connect(Options {
        verified: true,
        ..options(&server.url)
    });
    let aws = aws.await.with_roles(&roles);
    let look = call("DescribeModel", json!({"ModelName": "m"}));
    let answers = vec![aws.call(&look).await, aws.call(&look).await];
    (answers, server.seen())
}

fn role(external_id: Option<&str>) -> Roles {
    let role = Role {
        name: "trueup-reconciler".to_owned(),
        external_id: external_id.map(str::to_owned),
        regions: ["eu-west-1".to_owned()].into(),
    };
    [(OWN.to_owned(), role)].into()
}

fn form(request: &Seen) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

#[tokio::test]
async fn the_service_is_asked_once_whose_the_credentials_are() {
    let model = Reply::json(200, json!({"ModelName": "m"}));
    let replies = [identity(OWN), model.clone(), model];
    let (answers, seen) = two_calls(Roles::new(), replies).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(form(&seen[0]).contains("Action=GetCallerIdentity"));
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn nothing_is_sent_as_somebody_else_or_as_nobody() {
    let other = [identity("999999999999"), identity("999999999999")];
    let (answers, seen) = two_calls(Roles::new(), other).await;
    for answer in answers {
        check(
            &answer.unwrap_err(),
            "WrongAccount",
            Class::Denied,
            Sent::No,
        );
    }
    assert!(
        seen.iter()
            .all(|request| form(request).contains("GetCallerIdentity"))
    );

    let nobody = [Reply::text(403, "<ErrorResponse/>"), identity("")];
    let (answers, _) = two_calls(Roles::new(), nobody).await;
    let codes: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap_err().code)
        .collect();
    assert_eq!(codes, ["NoIdentity", "WrongAccount"]);
}

#[tokio::test]
async fn an_accounts_role_is_assumed_with_its_external_id_and_a_narrower_policy() {
    let model = Reply::json(200, json!({"ModelName": "m"}));
    let replies = [session("ASIASESSION"), identity(OWN), model.clone(), model];
    let (answers, seen) = two_calls(role(Some("x-17")), replies).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let asked = form(&seen[0]);
    for part in [
        "Action=AssumeRole",
        "role%2Ftrueup-reconciler",
        "ExternalId=x-17",
        "Policy=",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    for request in &seen[1..] {
        assert!(
            request
                .header("authorization")
                .contains("Credential=ASIASESSION/")
        );
        assert_eq!(request.header("x-amz-security-token"), "the-token");
    }
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_no_reason_to_use_the_chain() {
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let replies = [Reply::text(403, denied), Reply::text(403, denied)];
    let (answers, seen) = two_calls(role(None), replies).await;
    for answer in answers {
        check(&answer.unwrap_err(), "NoIdentity", Class::Denied, Sent::No);
    }
    assert!(
        seen.iter()
            .all(|request| form(request).contains("Action=AssumeRole"))
    );
}
