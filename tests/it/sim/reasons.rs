//! The planner's reasons, by the words that tell them apart, and which of them a run has seen.

use std::collections::BTreeSet;

use trueup::execute::model::ModelPass;

/// What the planner can say: parts of its texts, in order of appearance in one text.
pub(crate) const REASONS: &[&[&str]] = &[
    &["the commit asks for it: it does not exist"],
    &["the commit asks for it: what runs differs"],
    &["the commit asks for it: it differs in tag"],
    &["changed behind Git's back", "it is gone"],
    &["changed behind Git's back", "tag ", " differs"],
    &["changed behind Git's back", "it is put back"],
    &["attempt ", " to bring it to ", " is noted"],
    &["it was seen to hold on "],
    &["it failed and accepts nothing else"],
    &["the commit asks for a run that was never started"],
    &["the gates changed since the last attempt"],
    &["the service failed: "],
    &["only the serving code changed"],
    &["no release yet"],
    &["nothing is to run here"],
    &["the commit takes everything down here"],
    &["nothing is taken down while not everything can be read"],
    &["it was not looked at: something before it is unknown"],
    &[" exists and is not ours"],
    &["it waits for "],
    &["it is created once ", " is ready"],
    &[" does not exist, and only a run can make it"],
    &[" cannot be changed in place"],
    &["it is ", ", past its deadline"],
    &["it is Updating"],
    &["it is Creating"],
    &["it is Pending"],
    &["it is Deleting"],
    &["SageMaker rolled back to "],
    &["did not pass the ping health check"],
    &["its executions could not be read"],
    &["the packages of its group could not be read"],
    &["the pipeline is executing"],
    &["attempt ", " failed: "],
    &["it could not be read"],
    &[" is quarantined"],
    &["the gate is "],
    &["the evaluation has no "],
    &["was released for this commit and taken back"],
    &[" serves ", "; merge "],
    &["it soaks in "],
    &["its update soaks in "],
    &["its update waits until "],
    &["its update waits: "],
    &["was promoted and taken back"],
    &["it has changed since it was looked at"],
    &["its tags have changed since it was looked at"],
    &[" failed: ThrottlingException"],
    &[" failed: NoAnswer"],
    &[" failed: InternalFailure"],
    &[" failed: AccessDeniedException"],
    &[" failed: ResourceLimitExceeded"],
    &["the run succeeded and its package is not in the registry"],
    &["Request to service failed"],
    &["The request failed: "],
    &[" step"],
];

/// Refusals in AWS's own words, which the planner only passes on.
const AWS: &[&str] = &[
    " failed: ResourceNotFound",
    " failed: ResourceInUse",
    " failed: ValidationException",
];

/// Which reasons were given: a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    bits: u64,
    /// Texts that the table does not know.
    pub(crate) unlisted: BTreeSet<String>,
}

impl Seen {
    /// Notes every reason of a pass.
    pub(crate) fn note(&mut self, pass: &ModelPass) {
        for unit in &pass.units {
            for step in &unit.plan.steps {
                self.text(&step.reason.text);
            }
            for note in &unit.report.notes {
                self.text(&note.message);
            }
        }
    }

    fn text(&mut self, text: &str) {
        let found = REASONS.iter().position(|parts| {
            let mut rest = text;
            parts.iter().all(|part| {
                rest.find(part)
                    .map(|at| rest = &rest[at + part.len()..])
                    .is_some()
            })
        });
        let aws = AWS.iter().any(|code| text.contains(code));
        match found {
            None if aws => {}
            Some(at) => self.bits |= 1 << at,
            None if self.unlisted.len() < 20 => drop(self.unlisted.insert(text.to_owned())),
            None => {}
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.bits |= other.bits;
        self.unlisted.extend(other.unlisted);
    }

    /// Those that were never given.
    pub(crate) fn missing(&self) -> Vec<&'static [&'static str]> {
        let unseen = |(at, _): &(usize, _)| self.bits >> at & 1 == 0;
        REASONS
            .iter()
            .enumerate()
            .filter(unseen)
            .map(|(_, parts)| *parts)
            .collect()
    }
}
