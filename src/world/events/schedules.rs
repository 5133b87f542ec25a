//! `EventBridge` Scheduler: one target each, told at a time, in groups.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::deliver::Delivery;
use super::emit::date;
use super::key;
use super::timing::Timing;
use crate::clock::Timestamp;
use crate::limits::SCHEDULES_MAX;
use crate::resource::call::Scope;
use crate::world::World;
use crate::world::encode::uuid;
use crate::world::list::paged;
use crate::world::operations::Operation;
use crate::world::request::{Refusal, Reply, Request, epoch, picked, text};
use crate::world::window::{Rank, Window};

/// The group that every account has.
const DEFAULT: &str = "default";
/// Schedules or groups of a page.
const PAGE: usize = 100;
/// What a request sets of a schedule.
const SET: &[&str] = &[
    "ActionAfterCompletion",
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
];

/// The operations of the scheduler.
pub(in crate::world) const OPERATIONS: &[Operation] = &[
    Operation::special("CreateSchedule", World::create_event_schedule),
    Operation::special("GetSchedule", |world, request| {
        world.event_schedule(request)
    }),
    Operation::special("ListSchedules", |world, request| {
        world.list_event_schedules(request)
    }),
    Operation::special("UpdateSchedule", World::update_event_schedule),
    Operation::special("DeleteSchedule", World::delete_event_schedule),
    Operation::special("CreateScheduleGroup", World::create_schedule_group),
    Operation::special("GetScheduleGroup", |world, request| {
        world.schedule_group(request)
    }),
    Operation::special("ListScheduleGroups", |world, request| {
        world.list_schedule_groups(request)
    }),
    Operation::special("DeleteScheduleGroup", World::delete_schedule_group),
];

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Schedule {
    scope: Scope,
    /// What its Get answers.
    body: Value,
    /// The token that it was created with.
    token: String,
    created: Timestamp,
    /// When it is due.
    pub(super) next: Option<Timestamp>,
}

/// A group of schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    scope: Scope,
    pub(super) body: Value,
}

impl World {
    fn create_event_schedule(&mut self, request: &Request<'_>) -> Reply {
        let (group, name) = named(request);
        self.check_group(request.scope, group)?;
        let place = place(request.scope, group, name);
        let token = request.text("ClientToken");
        if let Some(schedule) = self.events.schedules.get(&place) {
            if !token.is_empty() && schedule.token == token {
                return Ok(json!({"ScheduleArn": schedule.body["Arn"]}));
            }
            let words = format!("Schedule {name} already exists.");
            return Err(Refusal::new("ConflictException", words));
        }
        if self.events.schedules.len() >= SCHEDULES_MAX {
            let words = "There are too many schedules.";
            return Err(Refusal::new("ServiceQuotaExceededException", words));
        }
        let schedule = Schedule::new(request, request.now)?;
        Ok(self.put_event_schedule(place, schedule))
    }

    fn update_event_schedule(&mut self, request: &Request<'_>) -> Reply {
        let (group, name) = named(request);
        let place = place(request.scope, group, name);
        let before = self.events.schedules.get(&place);
        let created = before.ok_or_else(|| missing(name))?.created;
        let schedule = Schedule::new(request, created)?;
        Ok(self.put_event_schedule(place, schedule))
    }

    fn put_event_schedule(&mut self, place: String, schedule: Schedule) -> Value {
        let answer = json!({"ScheduleArn": schedule.body["Arn"]});
        Arc::make_mut(&mut self.events.schedules).insert(place, Arc::new(schedule));
        answer
    }

    fn event_schedule(&self, request: &Request<'_>) -> Reply {
        let (group, name) = named(request);
        let found = self
            .events
            .schedules
            .get(&place(request.scope, group, name));
        found
            .map(|one| one.body.clone())
            .ok_or_else(|| missing(name))
    }

    fn delete_event_schedule(&mut self, request: &Request<'_>) -> Reply {
        let (group, name) = named(request);
        let schedules = Arc::make_mut(&mut self.events.schedules);
        let gone = schedules.remove(&place(request.scope, group, name));
        gone.map(|_| json!({})).ok_or_else(|| missing(name))
    }

    fn list_event_schedules(&self, request: &Request<'_>) -> Reply {
        let fits = |schedule: &&Schedule| {
            let is =
                |member: &str, wanted: &str| wanted.is_empty() || schedule.body[member] == wanted;
            schedule.scope == *request.scope
                && is("GroupName", request.text("GroupName"))
                && is("State", request.text("State"))
                && text(&schedule.body, "Name").starts_with(request.text("NamePrefix"))
        };
        let all = self.events.schedules.values().map(|one| &**one);
        let found = all.filter(fits).map(|one| {
            let members = [
                "Arn",
                "Name",
                "GroupName",
                "State",
                "CreationDate",
                "LastModificationDate",
            ];
            let mut shown = Value::Object(picked(&one.body, &members));
            shown["Target"] = json!({"Arn": one.body["Target"]["Arn"]});
            ((Rank::Text(text(&one.body, "Arn").to_owned()), 0), shown)
        });
        let (page, next) = Window::ascending(request, "MaxResults", PAGE)?.whole(found)?;
        Ok(paged("Schedules", page, next))
    }

    fn create_schedule_group(&mut self, request: &Request<'_>) -> Reply {
        let name = request.text("Name");
        let place = key(request.scope, name);
        if name == DEFAULT || self.events.groups.contains_key(&place) {
            let words = format!("Schedule group {name} already exists.");
            return Err(Refusal::new("ConflictException", words));
        }
        if self.events.groups.len() >= SCHEDULES_MAX {
            let words = "There are too many schedule groups.";
            return Err(Refusal::new("ServiceQuotaExceededException", words));
        }
        let group = Group::new(request.scope, name, request.now);
        let arn = text(&group.body, "Arn").to_owned();
        self.put_tags(&arn, request.items("Tags"))?;
        Arc::make_mut(&mut self.events.groups).insert(place, Arc::new(group));
        Ok(json!({"ScheduleGroupArn": arn}))
    }

    fn schedule_group(&self, request: &Request<'_>) -> Reply {
        let name = request.text("Name");
        if name == DEFAULT {
            return Ok(Group::new(request.scope, name, Timestamp::UNIX_EPOCH).body);
        }
        let found = self.events.groups.get(&key(request.scope, name));
        found
            .map(|one| one.body.clone())
            .ok_or_else(|| missing_group(name))
    }

    fn list_schedule_groups(&self, request: &Request<'_>) -> Reply {
        let usual = Group::new(request.scope, DEFAULT, Timestamp::UNIX_EPOCH);
        let own = self
            .events
            .groups
            .values()
            .filter(|one| one.scope == *request.scope);
        let all = std::iter::once(usual.body).chain(own.map(|one| one.body.clone()));
        let start = request.text("NamePrefix");
        let found = all.filter(|body| text(body, "Name").starts_with(start));
        let found = found.map(|body| ((Rank::Text(text(&body, "Name").to_owned()), 0), body));
        let (page, next) = Window::ascending(request, "MaxResults", PAGE)?.whole(found)?;
        Ok(paged("ScheduleGroups", page, next))
    }

    /// Takes a group away with its schedules.
    fn delete_schedule_group(&mut self, request: &Request<'_>) -> Reply {
        let name = request.text("Name");
        if name == DEFAULT {
            return Err(Refusal::invalid("Cannot delete default schedule group."));
        }
        let groups = Arc::make_mut(&mut self.events.groups);
        let gone = groups
            .remove(&key(request.scope, name))
            .ok_or_else(|| missing_group(name))?;
        let inside = place(request.scope, name, "");
        Arc::make_mut(&mut self.events.schedules).retain(|place, _| !place.starts_with(&inside));
        self.drop_tags(text(&gone.body, "Arn"));
        Ok(json!({}))
    }

    fn check_group(&self, scope: &Scope, name: &str) -> Result<(), Refusal> {
        if name == DEFAULT || self.events.groups.contains_key(&key(scope, name)) {
            return Ok(());
        }
        Err(missing_group(name))
    }

    /// Tells the target of a schedule that is due at `at`, and plans it anew after `planned`.
    pub(super) fn schedule_due_at(
        &mut self,
        mut schedule: Schedule,
        at: Timestamp,
        planned: Timestamp,
    ) {
        schedule.plan(planned);
        let (group, name) = (
            text(&schedule.body, "GroupName"),
            text(&schedule.body, "Name"),
        );
        let place = place(&schedule.scope, group, name);
        let arn = text(&schedule.body, "Arn").to_owned();
        if schedule.next.is_none() && schedule.body["ActionAfterCompletion"] == "DELETE" {
            Arc::make_mut(&mut self.events.schedules).remove(&place);
        } else {
            self.put_event_schedule(place, schedule.clone());
        }
        let token = uuid(&format!("{arn}/{at}"));
        let own = schedule.body["Target"].get("Input").and_then(Value::as_str);
        let input = own.map(|input| filled(input, &arn, &date(at), &token));
        let input = input.unwrap_or_else(|| {
            let resources = [arn.clone()];
            let (source, title) = ("aws.scheduler", "Scheduled Event");
            let event = self.event(&schedule.scope, source, title, &resources, json!("{}"));
            event.to_string()
        });
        self.deliver(&Delivery {
            target: &schedule.body["Target"],
            input,
            event: None,
            token,
            source: &arn,
            scope: &schedule.scope,
        });
    }
}

/// An input with what it may name of its delivery.
fn filled(input: &str, arn: &str, at: &str, token: &str) -> String {
    let values = [
        ("<aws.scheduler.schedule-arn>", arn),
        ("<aws.scheduler.scheduled-time>", at),
        ("<aws.scheduler.execution-id>", token),
        ("<aws.scheduler.attempt-number>", "1"),
    ];
    let values = values.iter();
    values.fold(input.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    })
}

impl Schedule {
    fn new(request: &Request<'_>, created: Timestamp) -> Result<Self, Refusal> {
        check(request)?;
        let (group, name) = named(request);
        let Scope { account, region } = request.scope;
        let partition = request.scope.partition();
        let mut body = Value::Object(picked(&request.object(), SET));
        body["Arn"] =
            format!("arn:{partition}:scheduler:{region}:{account}:schedule/{group}/{name}").into();
        body["GroupName"] = group.into();
        body["CreationDate"] = epoch(created);
        body["LastModificationDate"] = epoch(request.now);
        for (member, usual) in [
            ("State", "ENABLED"),
            ("ScheduleExpressionTimezone", "UTC"),
            ("ActionAfterCompletion", "NONE"),
        ] {
            if body.get(member).is_none() {
                body[member] = usual.into();
            }
        }
        let mut schedule = Self {
            scope: request.scope.clone(),
            body,
            token: request.text("ClientToken").to_owned(),
            created,
            next: None,
        };
        schedule.plan(request.now);
        Ok(schedule)
    }

    /// Says when it is due next, after `now`.
    fn plan(&mut self, now: Timestamp) {
        let start = self.instant("StartDate");
        let timing = Timing::read(text(&self.body, "ScheduleExpression"));
        let timing = timing.filter(|_| self.body["State"] != "DISABLED");
        let next = timing.and_then(|timing| match (&timing, start) {
            // What starts later is due then for the first time.
            (Timing::Rate(_), Some(start)) if start > now => Some(start),
            (timing, start) => {
                let from = start.map_or(now, |start| start.max(now));
                timing.next(start.unwrap_or(self.created), from)
            }
        });
        let end = self.instant("EndDate");
        self.next = next.filter(|next| end.is_none_or(|end| *next <= end));
    }

    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
    fn instant(&self, member: &str) -> Option<Timestamp> {
        let seconds = self.body.get(member).and_then(Value::as_f64)?;
        Timestamp::from_second(seconds as i64).ok()
    }
}

impl Group {
    fn new(scope: &Scope, name: &str, now: Timestamp) -> Self {
        let (partition, Scope { account, region }) = (scope.partition(), scope);
        Self {
            scope: scope.clone(),
            body: json!({
                "Arn": format!("arn:{partition}:scheduler:{region}:{account}:schedule-group/{name}"),
                "Name": name,
                "State": "ACTIVE",
                "CreationDate": epoch(now),
                "LastModificationDate": epoch(now),
            }),
        }
    }
}

/// The group and the name of the schedule that a request is about.
fn named<'a>(request: &'a Request<'_>) -> (&'a str, &'a str) {
    let group = request.text("GroupName");
    (
        if group.is_empty() { DEFAULT } else { group },
        request.text("Name"),
    )
}

fn place(scope: &Scope, group: &str, name: &str) -> String {
    key(scope, &format!("{group}/{name}"))
}

fn missing(name: &str) -> Refusal {
    Refusal::new(
        "ResourceNotFoundException",
        format!("Schedule {name} does not exist."),
    )
}

fn missing_group(name: &str) -> Refusal {
    let words = format!("Schedule group {name} does not exist.");
    Refusal::new("ResourceNotFoundException", words)
}

fn check(request: &Request<'_>) -> Result<(), Refusal> {
    let expression = request.text("ScheduleExpression");
    if Timing::read(expression).is_none() {
        return Err(Refusal::invalid(format!(
            "Invalid Schedule Expression {expression}."
        )));
    }
    let zone = request.text("ScheduleExpressionTimezone");
    if !["", "UTC", "Etc/UTC"].contains(&zone) {
        return Err(Refusal::invalid(format!(
            "Invalid ScheduleExpressionTimezone {zone}: here it is always UTC."
        )));
    }
    let target = request.get("Target").unwrap_or(&Value::Null);
    if text(target, "Arn").split(':').nth(5).is_none() {
        return Err(Refusal::invalid("Provided Arn is not in correct format."));
    }
    let window = request.get("FlexibleTimeWindow").unwrap_or(&Value::Null);
    let flexible = text(window, "Mode") == "FLEXIBLE";
    if flexible != window.get("MaximumWindowInMinutes").is_some() {
        return Err(Refusal::invalid(
            "MaximumWindowInMinutes must be provided if, and only if, Mode is FLEXIBLE.",
        ));
    }
    Ok(())
}
