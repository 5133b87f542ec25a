//! `trueup rollback`: back to the release before, by a commit, or by an order where Git is away.

use std::time::Duration;

use clap::Args;

use super::apply::duration;
use super::connect::{CloudArg, SourceArg, mirror_to_look};
use super::error::CommandError;
use super::history::model;
use super::look::commit;
use super::release_seen::Seen;
use super::render::rollback::{How, Order, Rolled, json, text};
use super::shell::{Shell, block_on};
use super::{Output, exit};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::compile::serve::stem;
use crate::config::installation::Installation;
use crate::config::{load_installation, read_release};
use crate::execute::order::{GiveOrder, Refused};
use crate::git::{Author, Fetched, GitError, Known, Mirror, WriteError, Written};
use crate::limits::{OVERRIDE_PERIOD_MAX, REVIEW_COMMITS_MAX, ROLLBACK_TRIES_MAX};
use crate::plan::overriding::{Override, place};
use crate::plan::rollback::{Earlier, Left, Nowhere, Return};
use crate::reconcile::{drive, roles};
use crate::release::Release;
use crate::resource::owner::owner;
use crate::resource::unit::Unit;
use crate::snapshot::ObjectId;

/// Go back to the release before
///
/// One commit on the tracked branch: the release file becomes what it was when it last named another
/// package, byte for byte, and `quarantine.yaml` names the package that is left. The daemon, or `trueup
/// apply`, moves the endpoint.
///
/// Where Git cannot be reached the order goes into the tag `trueup:override` of the endpoint, for the
/// release file of the newest commit that is known here and for a limited time. It is followed like a
/// commit, and committed as soon as Git answers. This takes no lease, and needs to be where the daemon's
/// cache folder is.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The model
    model: String,
    /// The environment
    #[arg(long, short, value_name = "NAME")]
    environment: String,
    #[command(flatten)]
    source: SourceArg,
    #[command(flatten)]
    cloud: CloudArg,
    /// The release that this commit had, in place of the one before: at least 7 digits of its id
    #[arg(long, value_name = "COMMIT", value_parser = commit)]
    to: Option<String>,
    /// Why: for the commit and the quarantine
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Who says so. Default: the user's name
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Do not quarantine the package that is left: automation may bring it back
    #[arg(long)]
    no_quarantine: bool,
    /// How long an order holds that is given while Git cannot be reached
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = period)]
    period: Duration,
    /// Change nothing; say what would be done
    #[arg(long)]
    dry_run: bool,
    /// The form of the answer
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

fn period(text: &str) -> Result<Duration, String> {
    let period = duration(text)?;
    if period.is_zero() || period > OVERRIDE_PERIOD_MAX {
        let hours = OVERRIDE_PERIOD_MAX.as_secs() / 3600;
        return Err(format!("more than nothing and at most {hours}h"));
    }
    Ok(period)
}

/// What is gone back to, and from what.
struct Choice {
    /// The release file that is left.
    over: ObjectId,
    earlier: Earlier,
    back: Return,
}

impl Rollback {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let source = self.source.source(shell)?;
        let name = source.to_string();
        let mut mirror = mirror_to_look(source, shell)?;
        let rolled = match mirror.fetch(SystemClock.now()) {
            Ok(fetched) => self.by_commit(shell, &mut mirror, fetched)?,
            Err(away) if away.is_away() => self.by_order(shell, &mirror, away)?,
            Err(error) => return Err(error.into()),
        };
        shell.streams.data(&match self.output {
            Output::Text => text(&rolled, shell.streams.paint),
            Output::Json => format!("{:#}\n", json(&rolled, &name)),
        });
        Ok(exit::OK)
    }

    /// With Git there: a commit. What is gone back to is chosen once; if the branch moves meanwhile, the
    /// same is committed on top, unless the release file is not what was left any more.
    fn by_commit(
        &self,
        shell: &Shell,
        mirror: &mut Mirror,
        fetched: Fetched,
    ) -> Result<Rolled, CommandError> {
        let mut seen = self.look(mirror, known(fetched))?;
        let choice = self.choose(shell, mirror, &seen)?;
        let mut moved = None;
        for _ in 0..ROLLBACK_TRIES_MAX {
            match seen.release_file(&self.environment) {
                Some(file) if *file == choice.over => {}
                Some(file) if *file == choice.earlier.file => {
                    return Ok(self.rolled(&seen, &choice, How::Already));
                }
                _ => return Err(overtaken(&seen, &self.environment)),
            }
            let write = seen.place(|place| place.commit(std::slice::from_ref(&choice.back)));
            let Some(write) = write else {
                return Ok(self.rolled(&seen, &choice, How::Already));
            };
            if let Some(why) = seen.objection_to_own(mirror.source().signing.as_deref()) {
                return Err(CommandError::message(why));
            }
            if self.dry_run {
                return Ok(self.rolled(&seen, &choice, How::Commit(None)));
            }
            match mirror.write(&write, &Author::default(), SystemClock.now()) {
                Ok(Written::Commit(commit)) => {
                    return Ok(self.rolled(&seen, &choice, How::Commit(Some(commit))));
                }
                Ok(Written::Nothing | Written::Exists(_)) => {
                    return Ok(self.rolled(&seen, &choice, How::Already));
                }
                Err(error @ (WriteError::Moved { .. } | WriteError::Unknown { .. })) => {
                    moved = Some(error);
                }
                Err(WriteError::Git { source, .. }) if source.is_away() => {
                    return self.order(shell, &seen, &choice, &source);
                }
                Err(error) => return Err(unwritten(&error)),
            }
            let fetched = mirror.fetch(SystemClock.now())?;
            seen = self.look(mirror, known(fetched))?;
        }
        Err(moved.map_or_else(
            || CommandError::message("nothing was tried"),
            |error| unwritten(&error).help("others push all the time: run it again"),
        ))
    }

    /// With Git away: an order, by what was last known.
    fn by_order(
        &self,
        shell: &Shell,
        mirror: &Mirror,
        away: GitError,
    ) -> Result<Rolled, CommandError> {
        // Whoever runs the daemon has its mirror locked; it may be read.
        let theirs = match mirror.last_known()? {
            Some(_) => None,
            None => Mirror::open_to_read(&shell.cache()?, mirror.source().clone()),
        };
        let mirror = theirs.as_ref().unwrap_or(mirror);
        let Some(known) = mirror.last_known()? else {
            return Err(nothing_known(away));
        };
        let seen = self.look(mirror, known)?;
        let choice = self.choose(shell, mirror, &seen)?;
        self.order(shell, &seen, &choice, &away)
    }

    fn look(&self, mirror: &Mirror, known: Known) -> Result<Seen, CommandError> {
        let snapshot = mirror.snapshot(&known.tip, None)?;
        let model = model(&snapshot, &self.model)?;
        Ok(Seen {
            known,
            snapshot,
            model,
        })
    }

    fn choose(&self, shell: &Shell, mirror: &Mirror, seen: &Seen) -> Result<Choice, CommandError> {
        seen.declares(&self.environment)?;
        seen.lists(self.no_quarantine)?;
        let path = seen.place(|place| place.release_file(&self.environment));
        let release = seen.snapshot.files.get(&path);
        let read = release.and_then(|file| read_release(&file.bytes));
        let (Some(file), Some(release)) = (release, read) else {
            let words =
                format!("`{path}` is not there, or cannot be read: nothing is released here");
            return Err(CommandError::message(words).help("`trueup status` tells what runs"));
        };
        let left = Left {
            file: &path,
            release: &release,
            quarantine: &seen.model.quarantine,
        };
        let history = mirror.versions(&seen.known.tip, &path, REVIEW_COMMITS_MAX);
        let text = |blob: &ObjectId| mirror.text_of(blob);
        let earlier = left.earlier(self.to.as_deref(), history, text);
        let earlier = earlier.map_err(|nowhere| refused(&nowhere))?;
        let back = self.back(shell, &earlier);
        Ok(Choice {
            over: file.blob.clone(),
            earlier,
            back,
        })
    }

    fn back(&self, shell: &Shell, earlier: &Earlier) -> Return {
        let user = shell.environment.user.clone();
        let by = self.by.clone().or(user);
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let now = SystemClock.now();
        Return {
            environment: self.environment.clone(),
            text: earlier.text.clone(),
            release: earlier.release.clone(),
            quarantine: !self.no_quarantine,
            by: one_line(by.as_deref().unwrap_or("unknown")),
            reason: one_line(&self.reason),
            at: Timestamp::from_second(now.as_second()).unwrap_or(now),
        }
    }

    /// Writes the order to the endpoint.
    fn order(
        &self,
        shell: &Shell,
        seen: &Seen,
        choice: &Choice,
        away: &GitError,
    ) -> Result<Rolled, CommandError> {
        let (installation, findings) = load_installation(&seen.snapshot);
        let Some(installation) = installation else {
            let why = findings.first().map(|one| one.message.clone());
            return Err(CommandError::message(why.unwrap_or_default()));
        };
        let scope = seen.scope(&self.environment)?;
        let endpoint = stem(&self.model, &self.environment);
        let back = &choice.back;
        let unit = Unit::environment(&self.model, &self.environment);
        let owner = owner(&installation.installation, &unit);
        let order = Override {
            place: place(&owner, &endpoint),
            over: choice.over.clone(),
            on: seen.known.tip.0.clone(),
            to: choice.earlier.file.clone(),
            at: back.at,
            until: back.at + self.period,
            quarantine: back.quarantine,
            by: back.by.clone(),
            reason: back.reason.clone(),
        }
        .fitted();
        if !self.dry_run {
            let give = GiveOrder::new(&scope, &endpoint, &owner, order.clone());
            block_on(self.give(shell, &installation, give))?;
        }
        let order = Order {
            endpoint,
            scope: scope.to_string(),
            value: order.text(),
            until: order.until,
            why: CommandError::new(away).line(),
            known: seen.known.tip.clone(),
        };
        Ok(self.rolled(seen, choice, How::Order(order)))
    }

    async fn give(
        &self,
        shell: &Shell,
        installation: &Installation,
        give: GiveOrder,
    ) -> Result<(), CommandError> {
        let aws = self.cloud.connect(shell).await;
        let aws = aws.with_roles(&roles(installation));
        drive(give, &aws, &SystemClock).await.map_err(|error| {
            let help = match error {
                Refused::NoEndpoint { .. } => "there is nothing to roll back",
                Refused::NotOurs { .. } => {
                    "see whose it is: trueup follows no order on what it did not make"
                }
                Refused::Call(_) | Refused::BrokenOff => {
                    "run it again: giving the same order twice does nothing more; it takes \
                     sagemaker:DescribeEndpoint, ListTags and AddTags"
                }
            };
            CommandError::new(&error)
                .context("Git cannot be reached, and the order could not be given")
                .help(help)
        })
    }

    fn rolled(&self, seen: &Seen, choice: &Choice, how: How) -> Rolled {
        let main = |release: &Release| Some(release.main()?.arn.clone());
        let left = seen.model.releases.get(&self.environment);
        Rolled {
            model: self.model.clone(),
            environment: self.environment.clone(),
            branch: seen.known.branch.clone(),
            file: seen.place(|place| place.release_file(&self.environment)),
            left: left.and_then(main),
            back: main(&choice.earlier.release),
            named_in: choice.earlier.commit.clone(),
            quarantines: match how {
                How::Already => Vec::new(),
                _ => seen.place(|place| place.leaves(&choice.back)),
            },
            how,
            dry: self.dry_run,
        }
    }
}

fn known(fetched: Fetched) -> Known {
    Known {
        branch: fetched.branch,
        tip: fetched.tip,
    }
}

fn refused(nowhere: &Nowhere) -> CommandError {
    CommandError::new(nowhere)
        .context("nothing was rolled back")
        .help(nowhere.help())
}

fn overtaken(seen: &Seen, environment: &str) -> CommandError {
    let file = seen.place(|place| place.release_file(environment));
    let words = format!("somebody changed `{file}` meanwhile: nothing was rolled back");
    CommandError::message(words).help("see `trueup history`, and decide again")
}

fn unwritten(error: &WriteError) -> CommandError {
    CommandError::new(error)
        .context("the rollback was not committed")
        .help(error.help())
}

fn nothing_known(away: GitError) -> CommandError {
    CommandError::from(away)
        .context("Git cannot be reached, and no earlier copy of it is in the cache folder")
        .help("run this where the daemon runs, with its `--cache`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::OVERRIDE_PERIOD;

    #[test]
    fn an_order_holds_for_a_day_if_nothing_is_said_and_never_for_long() {
        assert_eq!(period("24h"), Ok(OVERRIDE_PERIOD));
        assert_eq!(period("168h"), Ok(OVERRIDE_PERIOD_MAX));
        for text in ["169h", "0s", "soon", "-1h"] {
            assert!(period(text).is_err(), "{text}");
        }
    }
}
