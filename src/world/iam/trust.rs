//! Who may become a role.

use serde_json::{Value, json};

use super::condition::Context;
use super::decide::Question;
use super::document::{Document, Purpose, Statement, texts};
use super::wildcard::matches_any_case;
use super::{Role, account_and_name};
use crate::clock::SignedDuration;
use crate::resource::canonical::sha256;
use crate::world::World;
use crate::world::kinds::KINDS;
use crate::world::request::{Refusal, Reply, Request, epoch};

/// SageMaker, as trust policies name it.
const SAGEMAKER: &str = "sagemaker.amazonaws.com";
/// Seconds that a session lasts where the request does not say.
const SESSION: u64 = 3600;

/// Where requests to SageMaker name the role that it is to become.
const ROLES: &[(&str, &str)] = &[
    ("CreateModel", "/ExecutionRoleArn"),
    ("CreateEndpointConfig", "/ExecutionRoleArn"),
    ("CreatePipeline", "/RoleArn"),
    ("UpdatePipeline", "/RoleArn"),
    ("CreateTrainingJob", "/RoleArn"),
    ("CreateProcessingJob", "/RoleArn"),
    (
        "CreateHyperParameterTuningJob",
        "/TrainingJobDefinition/RoleArn",
    ),
    ("CreateDataQualityJobDefinition", "/RoleArn"),
    ("CreateModelQualityJobDefinition", "/RoleArn"),
    ("CreateModelBiasJobDefinition", "/RoleArn"),
    ("CreateModelExplainabilityJobDefinition", "/RoleArn"),
    (
        "CreateMonitoringSchedule",
        "/MonitoringScheduleConfig/MonitoringJobDefinition/RoleArn",
    ),
    (
        "UpdateMonitoringSchedule",
        "/MonitoringScheduleConfig/MonitoringJobDefinition/RoleArn",
    ),
];

/// Somebody who wants to become a role.
struct Caller<'a> {
    /// Such as `Service`, as trust policies tell them apart.
    kind: &'a str,
    /// The names that it goes by.
    names: &'a [&'a str],
}

impl World {
    /// Refuses a request to SageMaker whose role SageMaker may not become.
    pub(in crate::world) fn check_role(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let places = ROLES.iter().filter(|(op, _)| *op == request.op);
        let body = places.clone().next().map(|_| request.object());
        let Some(body) = body else {
            return Ok(());
        };
        for (_, place) in places {
            let arn = body.pointer(place).and_then(Value::as_str).unwrap_or("");
            if !arn.is_empty() && !self.is_trusting(arn, request) {
                return Err(Refusal::invalid(format!(
                    "Could not assume role {arn}. Please ensure that the role exists and allows \
                     principal '{SAGEMAKER}' to assume the role."
                )));
            }
        }
        Ok(())
    }

    fn is_trusting(&self, arn: &str, request: &Request<'_>) -> bool {
        let Some((account, name)) = account_and_name(arn, "role") else {
            return true;
        };
        let Some(role) = self.iam.role(account, name) else {
            return !self.knows_no(account, name);
        };
        let named = KINDS
            .iter()
            .find(|kind| kind.describe.strip_prefix("Describe") == request.op.get(6..));
        let source = named.map(|kind| kind.arn(request.scope, request.text(kind.name)));
        let context = Context::from([
            (
                "aws:sourceaccount".to_owned(),
                vec![request.scope.account.clone()],
            ),
            ("aws:sourcearn".to_owned(), source.into_iter().collect()),
        ]);
        let caller = Caller {
            kind: "Service",
            names: &[SAGEMAKER],
        };
        role.arn == arn && role.trusts(&caller, &context)
    }
}

impl Role {
    fn trusts(&self, caller: &Caller<'_>, context: &Context) -> bool {
        let Ok(document) = Document::read(&self.trust, Purpose::Trust) else {
            return false;
        };
        let question = Question {
            action: "sts:AssumeRole",
            resource: &self.arn,
            context,
        };
        let about = |statement: &&Statement| {
            let mut actions = statement.actions.names.iter();
            actions.any(|name| matches_any_case(name, question.action))
                && statement.is_for(caller)
                && statement.applies(&question)
        };
        let applying: Vec<&Statement> = document.statements.iter().filter(about).collect();
        !applying.is_empty() && applying.iter().all(|statement| statement.allows)
    }
}

impl Statement {
    fn is_for(&self, caller: &Caller<'_>) -> bool {
        match &self.principals {
            Some(Value::String(all)) => all == "*",
            Some(Value::Object(kinds)) => {
                let named = kinds.get(caller.kind).and_then(texts).unwrap_or_default();
                let is = |name: &String| name == "*" || caller.names.contains(&name.as_str());
                named.iter().any(is)
            }
            _ => false,
        }
    }
}

/// Credentials of a role, for whoever may become it. They open nothing here that is shut without
/// them.
pub(in crate::world) fn assume_role(world: &mut World, request: &Request<'_>) -> Reply {
    let (arn, session) = (request.text("RoleArn"), request.text("RoleSessionName"));
    let caller_account = &request.scope.account;
    let partition = request.scope.partition();
    let user = format!("arn:{partition}:iam::{caller_account}:user/local");
    let denied = || {
        let words =
            format!("User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        Refusal::new("AccessDenied", words)
    };
    let (account, name) = account_and_name(arn, "role").ok_or_else(denied)?;
    let seconds = request.get("DurationSeconds").and_then(Value::as_u64);
    let seconds = seconds.unwrap_or(SESSION);
    let mut id = "AROALOCAL00000000".to_owned();
    match world.iam.role(account, name) {
        None if world.knows_no(account, name) => return Err(denied()),
        None => {}
        Some(role) => {
            let root = format!("arn:{partition}:iam::{caller_account}:root");
            let caller = Caller {
                kind: "AWS",
                names: &[&user, &root, caller_account],
            };
            let external = request.text("ExternalId");
            let external = Some(external.to_owned()).filter(|id| !id.is_empty());
            let context = Context::from([
                ("sts:externalid".to_owned(), external.into_iter().collect()),
                ("sts:rolesessionname".to_owned(), vec![session.to_owned()]),
                (
                    "aws:principalaccount".to_owned(),
                    vec![caller_account.clone()],
                ),
                ("aws:principalarn".to_owned(), vec![user.clone()]),
            ]);
            if role.arn != arn || !role.trusts(&caller, &context) {
                return Err(denied());
            }
            if seconds > role.session {
                return Err(Refusal::new(
                    "ValidationError",
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this \
                     role.",
                ));
            }
            id.clone_from(&role.id);
        }
    }
    let lasts = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let end = request.now.saturating_add(lasts).unwrap_or(request.now);
    let secret = sha256(format!("{arn}/{session}/{}", world.next()).as_bytes());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": format!("ASIA{}", secret[..16].to_ascii_uppercase()),
            "SecretAccessKey": &secret[..40],
            "SessionToken": secret,
            "Expiration": epoch(end),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{id}:{session}"),
            "Arn": format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"),
        },
    }))
}
