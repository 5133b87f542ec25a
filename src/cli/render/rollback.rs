//! What a rollback came to.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Paint;
use super::status::version;
use super::words::{instant, line, short};
use crate::clock::Timestamp;
use crate::resource::owner::OVERRIDE;
use crate::snapshot::ObjectId;

/// A rollback that was done, ordered, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolled {
    /// The model.
    pub model: String,
    /// The environment.
    pub environment: String,
    /// The tracked branch.
    pub branch: String,
    /// The release file.
    pub file: String,
    /// The package that is left: its ARN.
    pub left: Option<String>,
    /// The package that is served instead.
    pub back: Option<String>,
    /// The newest commit that named it.
    pub named_in: ObjectId,
    /// The packages that the commit quarantines.
    pub quarantines: Vec<String>,
    /// How it was done.
    pub how: How,
    /// Whether nothing was done, because that was asked for.
    pub dry: bool,
}

/// How a rollback is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// By a commit; its id, once it was made.
    Commit(Option<ObjectId>),
    /// The release file was as it is to be already.
    Already,
    /// By a tag on the endpoint, because Git is away.
    Order(Order),
}

/// An order in a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The endpoint.
    pub endpoint: String,
    /// Its account and region.
    pub scope: String,
    /// The tag's value.
    pub value: String,
    /// Until when it holds.
    pub until: Timestamp,
    /// Why Git is away.
    pub why: String,
    /// The newest commit that is known.
    pub known: ObjectId,
}

/// For people.
pub fn text(rolled: &Rolled, paint: Paint) -> String {
    let Rolled {
        model,
        environment,
        branch,
        file,
        named_in,
        ..
    } = rolled;
    let named = |arn: &Option<String>| {
        let arn = arn.as_deref().map_or("nothing", version);
        line(arn)
    };
    let (back, left) = (named(&rolled.back), named(&rolled.left));
    let head = paint.bold(&line(&format!("{model}/{environment}")));
    let mut text = format!(
        "{head}: {back} in place of {left}, as `{}` said in {}\n",
        line(file),
        short(&named_in.0)
    );
    let branch = line(branch);
    let would = if rolled.dry { "would be" } else { "is" };
    match &rolled.how {
        How::Commit(Some(commit)) => {
            writeln!(text, "committed to {branch} as {}", short(&commit.0))
        }
        How::Commit(None) => writeln!(text, "it would be committed to {branch}"),
        How::Already => writeln!(text, "{branch} says so already: nothing was committed"),
        How::Order(order) => writeln!(
            text,
            "Git cannot be reached: {}\nthe newest commit known here is {}\n\
             the order {would} in the tag `{OVERRIDE}` of the endpoint {} in {}, and holds until {}\n  {}\n\
             the daemon, or `trueup apply`, follows it, and commits it to {branch} as soon as Git answers",
            line(&order.why),
            short(&order.known.0),
            line(&order.endpoint),
            line(&order.scope),
            instant(order.until),
            line(&order.value),
        ),
    }
    .expect("a string takes everything");
    for arn in &rolled.quarantines {
        let when = match rolled.how {
            How::Order(_) => "is quarantined by that commit",
            _ if rolled.dry => "would be quarantined",
            _ => "is quarantined",
        };
        writeln!(text, "{} {when}", line(version(arn))).expect("a string takes everything");
    }
    text
}

/// For programs: `trueup/rollback.v1`.
pub fn json(rolled: &Rolled, source: &str) -> Value {
    let (how, commit, order) = match &rolled.how {
        How::Commit(commit) => ("commit", commit.as_ref(), None),
        How::Already => ("nothing", None, None),
        How::Order(order) => ("order", None, Some(order)),
    };
    json!({
        "schema": "trueup/rollback.v1",
        "source": source,
        "model": rolled.model,
        "environment": rolled.environment,
        "branch": rolled.branch,
        "file": rolled.file,
        "left": rolled.left,
        "back": rolled.back,
        "named_in": rolled.named_in.0,
        "quarantines": rolled.quarantines,
        "dry_run": rolled.dry,
        "how": how,
        "commit": commit.map(|commit| &commit.0),
        "order": order.map(|order| json!({
            "tag": OVERRIDE,
            "value": order.value,
            "endpoint": order.endpoint,
            "scope": order.scope,
            "until": instant(order.until),
            "git": order.why,
            "known_commit": order.known.0,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(version: u32) -> String {
        format!("arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/{version}")
    }

    fn rolled(how: How, dry: bool) -> Rolled {
        Rolled {
            model: "churn".to_owned(),
            environment: "production".to_owned(),
            branch: "main".to_owned(),
            file: "models/churn/releases/production.yaml".to_owned(),
            left: Some(arn(2)),
            back: Some(arn(1)),
            named_in: ObjectId("1a2b3c4d".repeat(5)),
            quarantines: vec![arn(2)],
            how,
            dry,
        }
    }

    fn order() -> How {
        How::Order(Order {
            endpoint: "churn-production".to_owned(),
            scope: "111122223333/eu-west-1".to_owned(),
            value: "v1 …".to_owned(),
            until: Timestamp::UNIX_EPOCH,
            why: "could not ask it\u{1b}".to_owned(),
            known: ObjectId("5e6f7a8b".repeat(5)),
        })
    }

    #[test]
    fn what_was_done_is_said_and_until_when_it_holds() {
        let head = "churn/production: churn/1 in place of churn/2, as \
                    `models/churn/releases/production.yaml` said in 1a2b3c4d\n";
        let check = |how, dry, rest: &str| {
            let text = text(&rolled(how, dry), Paint::new(false));
            assert_eq!(text, format!("{head}{rest}"));
        };
        let commit = ObjectId("9c".repeat(20));
        check(
            How::Commit(Some(commit)),
            false,
            "committed to main as 9c9c9c9c\nchurn/2 is quarantined\n",
        );
        check(
            How::Commit(None),
            true,
            "it would be committed to main\nchurn/2 would be quarantined\n",
        );
        let told = "Git cannot be reached: could not ask it\\u{1b}\n\
             the newest commit known here is 5e6f7a8b\n\
             the order in the tag `trueup:override` of the endpoint churn-production in \
             111122223333/eu-west-1, and holds until 1970-01-01T00:00:00Z\n  v1 …\n\
             the daemon, or `trueup apply`, follows it, and commits it to main as soon as Git answers\n\
             churn/2 is quarantined by that commit\n";
        check(
            order(),
            false,
            &told.replace("the order in", "the order is in"),
        );
        check(
            order(),
            true,
            &told.replace("the order in", "the order would be in"),
        );
    }

    #[test]
    fn programs_are_told_the_same() {
        let document = json(&rolled(order(), false), "/repo");
        assert_eq!(document["how"], "order");
        assert_eq!(document["order"]["until"], "1970-01-01T00:00:00Z");
        assert_eq!(document["commit"], Value::Null);
        let commit = Some(ObjectId("9c".repeat(20)));
        let document = json(&rolled(How::Commit(commit), false), "/repo");
        assert_eq!(document["commit"], "9c".repeat(20));
        assert_eq!(document["order"], Value::Null);
    }
}
