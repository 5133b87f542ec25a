//! What policies come to, for one action on one resource.

use std::collections::BTreeSet;

use super::condition::{self, Context};
use super::document::{Document, Few, Statement};
use super::wildcard::{matches, matches_any_case};

/// What is asked of policies.
pub(super) struct Question<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) context: &'a Context,
}

/// A policy by its name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) document: Document,
}

/// What policies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    ExplicitDeny,
    ImplicitDeny,
}

/// A verdict and how it came about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// The policies whose statements decided, one for each statement.
    pub(super) matched: Vec<String>,
    /// What the boundary says, where there is one.
    pub(super) within_boundary: Option<bool>,
    /// The keys of conditions that nothing is known of.
    pub(super) missing: BTreeSet<String>,
}

impl Verdict {
    /// In IAM's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

/// A deny anywhere decides; then somebody has to allow it, and the boundary, if there is one, too.
pub(super) fn decide(
    policies: &[Named],
    boundary: Option<&[Named]>,
    question: &Question<'_>,
) -> Decision {
    let own = Said::of(policies, question);
    let around = boundary.map(|boundary| Said::of(boundary, question));
    let within_boundary = around
        .as_ref()
        .map(|said| !said.allows.is_empty() && said.denies.is_empty());
    let mut denies = own.denies;
    let mut missing = own.missing;
    if let Some(said) = around {
        denies.extend(said.denies);
        missing.extend(said.missing);
    }
    let (verdict, matched) = if !denies.is_empty() {
        (Verdict::ExplicitDeny, denies)
    } else if !own.allows.is_empty() && within_boundary != Some(false) {
        (Verdict::Allowed, own.allows)
    } else {
        (Verdict::ImplicitDeny, Vec::new())
    };
    Decision {
        verdict,
        matched,
        within_boundary,
        missing,
    }
}

/// The policies that allow or deny, one for each statement that does.
#[derive(Default)]
struct Said {
    allows: Vec<String>,
    denies: Vec<String>,
    missing: BTreeSet<String>,
}

impl Said {
    fn of(policies: &[Named], question: &Question<'_>) -> Self {
        let mut said = Self::default();
        for policy in policies {
            for statement in &policy.document.statements {
                if !statement.is_about(question) {
                    continue;
                }
                let keys = condition::keys(&statement.conditions);
                let unknown =
                    keys.filter(|key| !question.context.contains_key(&key.to_ascii_lowercase()));
                said.missing.extend(unknown.cloned());
                if statement.applies(question) {
                    let to = if statement.allows {
                        &mut said.allows
                    } else {
                        &mut said.denies
                    };
                    to.push(policy.name.clone());
                }
            }
        }
        said
    }
}

impl Statement {
    /// Whether it is for that action on that resource, whatever its conditions.
    fn is_about(&self, question: &Question<'_>) -> bool {
        let action = |few: &Few| few.has(|name| matches_any_case(name, question.action));
        let resource = |few: &Few| {
            few.has(|name| {
                let name = filled(name, question.context);
                name.is_some_and(|name| matches(&name, question.resource))
            })
        };
        action(&self.actions) && self.resources.as_ref().is_none_or(resource)
    }

    /// Whether its conditions hold.
    pub(super) fn applies(&self, question: &Question<'_>) -> bool {
        condition::hold(&self.conditions, question.context, |text| {
            filled(text, question.context)
        })
    }
}

impl Few {
    fn has(&self, is: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| is(name)) != self.except
    }
}

/// A text with what is known in the place of its variables (`${aws:username}`); nothing where that
/// is not known.
fn filled(text: &str, context: &Context) -> Option<String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, left) = after.split_once('}')?;
        whole.push_str(before);
        match name {
            "*" | "?" | "$" => whole.push_str(name),
            _ => whole.push_str(context.get(&name.to_ascii_lowercase())?.first()?),
        }
        rest = left;
    }
    whole.push_str(rest);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::document::Purpose;
    use super::*;

    fn policy(name: &str, statements: Value) -> Named {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Named {
            name: name.to_owned(),
            document: Document::read(&text, Purpose::Identity).unwrap(),
        }
    }

    fn asked(
        policies: &[Named],
        boundary: Option<&[Named]>,
        action: &str,
        resource: &str,
    ) -> Decision {
        let context = [("aws:username".to_owned(), vec!["ann".to_owned()])].into();
        let question = Question {
            action,
            resource,
            context: &context,
        };
        decide(policies, boundary, &question)
    }

    #[test]
    fn a_deny_decides_then_an_allow() {
        let policies = [
            policy(
                "read",
                json!({"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"],
                    "Resource": "arn:aws:s3:::data/*"}),
            ),
            policy(
                "keep-out",
                json!({"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::data/secret/*"}),
            ),
        ];
        let check = |action: &str, resource: &str, verdict: Verdict, matched: &[&str]| {
            let decision = asked(&policies, None, action, resource);
            assert_eq!(decision.verdict, verdict, "{action} {resource}");
            assert_eq!(decision.matched, matched);
        };
        check(
            "s3:GetObject",
            "arn:aws:s3:::data/a/b",
            Verdict::Allowed,
            &["read"],
        );
        check(
            "S3:getobject",
            "arn:aws:s3:::data/a",
            Verdict::Allowed,
            &["read"],
        );
        check(
            "s3:GetObject",
            "arn:aws:s3:::data/secret/a",
            Verdict::ExplicitDeny,
            &["keep-out"],
        );
        check(
            "s3:PutObject",
            "arn:aws:s3:::data/a",
            Verdict::ImplicitDeny,
            &[],
        );
        check(
            "s3:GetObject",
            "arn:aws:s3:::other/a",
            Verdict::ImplicitDeny,
            &[],
        );
        check("s3:GetObject", "*", Verdict::ImplicitDeny, &[]);
    }

    #[test]
    fn all_but_some_and_what_belongs_to_somebody() {
        let policies = [
            policy(
                "not",
                json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
            ),
            policy(
                "elsewhere",
                json!({"Effect": "Deny", "Action": "s3:Put*",
                    "NotResource": "arn:aws:s3:::home/${aws:username}/*"}),
            ),
        ];
        let check = |action: &str, resource: &str, verdict: Verdict| {
            assert_eq!(asked(&policies, None, action, resource).verdict, verdict);
        };
        check("s3:PutObject", "arn:aws:s3:::home/ann/x", Verdict::Allowed);
        check(
            "s3:PutObject",
            "arn:aws:s3:::home/bob/x",
            Verdict::ExplicitDeny,
        );
        check("iam:CreateRole", "*", Verdict::ImplicitDeny);
        check("sagemaker:CreateModel", "*", Verdict::Allowed);
    }

    #[test]
    fn a_boundary_allows_no_more_than_both() {
        let all = [policy(
            "all",
            json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        )];
        let around = [policy(
            "around",
            json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}]),
        )];
        let check = |action: &str, verdict: Verdict, within: bool| {
            let decision = asked(&all, Some(&around), action, "*");
            assert_eq!(
                (decision.verdict, decision.within_boundary),
                (verdict, Some(within))
            );
        };
        check("s3:GetObject", Verdict::Allowed, true);
        check("iam:CreateRole", Verdict::ImplicitDeny, false);
        check("s3:DeleteObject", Verdict::ExplicitDeny, false);
        assert_eq!(
            asked(&[], Some(&around), "s3:GetObject", "*").verdict,
            Verdict::ImplicitDeny
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let policies = [policy(
            "vpc",
            json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceVpc": "v"}}}),
        )];
        let decision = asked(&policies, None, "s3:GetObject", "*");
        assert_eq!(decision.verdict, Verdict::ImplicitDeny);
        assert_eq!(
            decision.missing,
            BTreeSet::from(["aws:SourceVpc".to_owned()])
        );
    }
}
