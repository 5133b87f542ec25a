//! The words about each cause: what it is, what it means, what trueup does, what a person may do.

use super::cause::Cause;

/// A phrase and three texts.
type Texts = (&'static str, &'static str, &'static str, &'static str);

pub(super) fn texts(cause: Cause) -> Texts {
    at_rest(cause)
        .or_else(|| waiting(cause))
        .or_else(|| held(cause))
        .or_else(|| blocked(cause))
        .unwrap_or_else(|| wrong(cause))
}

fn at_rest(cause: Cause) -> Option<Texts> {
    Some(match cause {
        Cause::Absent => (
            "nothing is to run here",
            "The configuration says `state: absent`.",
            "It takes down what it made here, and then watches that nothing comes back.",
            "Wait until nothing remains; then the folder, or the environment, may be taken out of the repository.",
        ),
        Cause::NoRelease => (
            "nothing is released here yet",
            "The commit has no release file for this environment, so there is nothing to serve.",
            "It writes the release, or proposes it on a branch, once a run has a package that passes the gates.",
            "Wait for the run, or merge the promotion that is proposed.",
        ),
        Cause::StepsPlanned => (
            "there is something to do",
            "What runs is not what the commit says, and everything needed to change that is known.",
            "It takes the steps in order, looking again right before each of them.",
            "Read them with `trueup plan`; `trueup apply` or the daemon takes them.",
        ),
        Cause::Drifted => (
            "something was changed behind Git's back, and is only reported",
            "The resource held what the commit asks for, and holds something else now; the configuration says `drift: report`.",
            "It leaves it as it is until a commit asks for something else there, and promotes nothing from here.",
            "Put it back, commit what runs, or say `drift: revert`.",
        ),
        Cause::Flapping => (
            "something was put back so often that it is left",
            "It was put back, and changed again, as often as the limit allows within a day: something else wants another value.",
            "It reports the difference and changes nothing about it until a day has passed or a commit touches the model.",
            "Find who changes it: CloudTrail names the caller. Then take the member out of the configuration, or the other program off the resource.",
        ),
        Cause::PromotionProposed => (
            "a promotion waits to be merged",
            "The environment before this one serves a newer package, and this one is to serve it only once a person agrees.",
            "It keeps the branch with the release on it, and serves what the commit names until then.",
            "Merge the branch to bring it here, or name the package in `quarantine.yaml` to refuse it.",
        ),
        Cause::RolledBack => (
            "it was rolled back while Git was down",
            "A person ordered an earlier release with `trueup rollback` while Git could not be reached: the tag `trueup:override` of the endpoint says so, for exactly the release file that the newest known commit has, until the time that is named. Git says otherwise until the commit is filed.",
            "It serves the earlier release, releases nothing else of the model, and commits the return to the tracked branch as soon as Git answers. After that time, or once Git says anything else about the release, the order has no effect.",
            "Nothing needs to be done. To end it before, delete the tag from the endpoint, or commit another release.",
        ),
        _ => return None,
    })
}

fn waiting(cause: Cause) -> Option<Texts> {
    Some(match cause {
        Cause::MoreSteps => (
            "there are more steps than one pass takes",
            "The plan was cut at its limit.",
            "It takes the rest in the passes that follow.",
            "Nothing needs to be done.",
        ),
        Cause::WaitingForRun => (
            "a run is under way",
            "The pipeline that trains what the commit asks for is executing.",
            "It looks at the execution in each pass, and at its package once it has ended.",
            "Wait until the deadline that is named, or look at the execution in SageMaker.",
        ),
        Cause::WaitingForService => (
            "the service is at work on it",
            "The resource is being created, updated or deleted; nothing is concluded meanwhile.",
            "It looks again in each pass and changes nothing about the resource until it has come to rest.",
            "Wait until the deadline that is named.",
        ),
        Cause::WaitingForTurn => (
            "others go first",
            "So many endpoints of this account roll, or so many of its pipelines run, that no more are begun: whatever is wrong with a commit, it does not reach everything at once.",
            "It makes what is new and moves nothing. Once one of the others has come to rest, it takes its turn. A rollback never waits for a turn.",
            "Nothing needs to be done. To stop what has not begun yet, revert the commit.",
        ),
        Cause::WaitingForInstances => (
            "instances are still coming up",
            "The endpoint is in service, but a variant has fewer instances than it should.",
            "It does not call the endpoint converged before they are up.",
            "If it lasts, look for capacity and quotas of the instance type.",
        ),
        Cause::WaitingForDependency => (
            "something before it is not ready",
            "The resource refers to another that does not exist yet, or is not ready.",
            "It makes the resource once the other is ready.",
            "Look at what is said about the other resource: if that needs you, so does this.",
        ),
        Cause::Soaking => (
            "the environment before this one has not run it long enough",
            "`promote.soak` says how long the environment before this one is to serve a package before it is promoted.",
            "It promotes the package after that time.",
            "Wait until the time that is named, or shorten `promote.soak`.",
        ),
        Cause::AlarmFiring => (
            "an alarm that is to watch the update goes off, or cannot be read",
            "The config names alarms that roll an update back. One of them is in ALARM before the update has begun, which would end it at once, or its state is not known.",
            "It reads the alarms in each pass and begins the update once they are quiet; a return to what ran before does not wait for them.",
            "Look at the alarm that is named: end what set it off, or take it out of `rollback_on`.",
        ),
        Cause::ChangedMeanwhile => (
            "something changed right before a step",
            "A resource was not as it was when the plan was made, or could not be looked at again.",
            "It did not take the step nor those after it, and plans anew in the next pass.",
            "Nothing needs to be done, unless something else keeps changing the resource.",
        ),
        Cause::NoLease => (
            "the lease ran out right before a step",
            "Only who holds the installation's lease changes anything, and it could not be renewed in time, or another holds it by now.",
            "It did not take the step nor those after it. Whoever holds the lease goes on.",
            "Nothing needs to be done, unless it lasts: then look at what is said about the lease.",
        ),
        _ => return None,
    })
}

fn held(cause: Cause) -> Option<Texts> {
    Some(match cause {
        Cause::Quarantined => (
            "the package is quarantined",
            "`quarantine.yaml` names the package, so automation may not release it.",
            "It neither releases nor proposes the package; what runs stays.",
            "Leave it so, or take the package out of `quarantine.yaml`.",
        ),
        Cause::GateMissed => (
            "the package misses a gate",
            "A measured value of the package is not as the commit's gates ask.",
            "It does not release the package; what runs stays.",
            "Make a better model, or change the gate in `config.yaml`.",
        ),
        Cause::TakenBack => (
            "people took the release back",
            "A release file named this package for this very candidate, and somebody changed that.",
            "It does not write the release again: people win.",
            "Write the release yourself to have it back; a new candidate is released as usual.",
        ),
        Cause::NotProven => (
            "what is to roll here has not proven itself in the environment before",
            "The commit wants the same of both environments, and the one that this one is promoted from does not run it, and is not about to.",
            "It leaves this endpoint as it is. What is wanted only here, and a rollback, do not wait.",
            "See what keeps the environment before: `trueup why` names it. Then mend it, or revert the commit.",
        ),
        Cause::PromotionHeld => (
            "a merged promotion is held",
            "The merged release names a quarantined package, or was prepared when the environment served something else.",
            "It leaves the endpoint as it is.",
            "Revert the merge and merge a newer promotion, or insist by writing `previous` as the report says.",
        ),
        Cause::RolloutHeld => (
            "a change reaches more of production than an unconfirmed one may",
            "The change has rolled as many production endpoints of the account as one change may before a person agrees: a tenth, where `trueup.yaml` does not say otherwise.",
            "It leaves the others as they are, and goes on bringing and watching those that have begun. A rollback is not held.",
            "Look at those that were rolled. If they are well, commit the digits that are named to `confirm_rollouts` in `trueup.yaml`; if not, revert the change.",
        ),
        Cause::RemovalHeld => (
            "a commit takes down more than one commit may",
            "The commit says `state: absent` for more than three units and more than a tenth of those in an account and region.",
            "It takes none of them down.",
            "If it is meant, commit the digest that is named to `confirm_removals` in `trueup.yaml`; it stands for exactly these units.",
        ),
        Cause::Suspended => (
            "a commit says that nothing is to be done for a while",
            "`suspend`, of the model or of this environment, names a time that is not over, and a reason.",
            "It looks and says what waits, and does none of it: no run, no release, no change, no deletion. When the time is over it goes on by itself. An order of `trueup rollback` is followed all the same.",
            "Wait, or take `suspend` out to have it done now.",
        ),
        Cause::RollbackHeld => (
            "an order to roll back cannot be followed",
            "The tag `trueup:override` of the endpoint orders an earlier release, given while Git could not be reached, and that release cannot be read, never was in the release file, or is quarantined by now.",
            "It leaves the endpoint as it is until the order runs out, or Git says anything else about the release.",
            "Run `trueup rollback` again, with `--to` for another release, or delete the tag from the endpoint.",
        ),
        Cause::NotApproved => (
            "the plan is not the approved one",
            "The plan made by `trueup apply FILE` differs from the file's: AWS has changed since, or the plan was carried out already.",
            "It takes no step in the unit.",
            "Plan again with `trueup plan --out FILE`, read it, and apply that.",
        ),
        Cause::BranchMoved => (
            "the branch has moved since a plan was approved",
            "The plan in the file is for a commit that is not the newest of the branch any more.",
            "It does nothing at all.",
            "Plan again with `trueup plan --out FILE`, read it, and apply that.",
        ),
        Cause::OtherCloud => (
            "a plan was made against another service",
            "The plan in the file was made against another address than the one that it is to be applied to.",
            "It does nothing at all.",
            "Give the same `--local` or `--endpoint-url` as for the plan, or plan again.",
        ),
        _ => return None,
    })
}

fn blocked(cause: Cause) -> Option<Texts> {
    Some(match cause {
        Cause::NotOurs => (
            "a resource of that name is not ours",
            "A resource has the wanted name and lacks the tags that say that trueup made it for this unit.",
            "It never changes the resource.",
            "Delete or rename the other resource, or give the model another name.",
        ),
        Cause::CannotChange => (
            "a member cannot be changed in place",
            "AWS lets this member be set at creation only, and the resource keeps its name.",
            "It changes nothing about the resource.",
            "Undo the change, or give the resource another name.",
        ),
        Cause::OnlyARunMakesIt => (
            "something that only a run can make is not there",
            "The commit names an object that trueup has no way to make.",
            "It looks again with every sweep.",
            "Revert to a release whose objects exist, or have it trained again.",
        ),
        Cause::ArchiveFailed => (
            "an archive could not be made",
            "The files of the commit cannot be packed for the upload.",
            "It uploads nothing.",
            "Read the words of the report: they name what is wrong with the files.",
        ),
        Cause::PackageMissing => (
            "a run succeeded and left no package",
            "The execution succeeded, and the registry has no version of its run.",
            "It neither trains again nor releases anything for this run.",
            "Find out who deleted the version; any change of what is trained asks for a new run.",
        ),
        Cause::PackageIncomplete => (
            "a package lacks what a release needs",
            "The registered version does not say all that a release must name.",
            "It does not release the package.",
            "Look at the version in the registry; any change of what is trained makes a new one.",
        ),
        Cause::NotAsReleased => (
            "what a step stands on is not as the release says",
            "The package or the artefact in AWS differs from what the release file names, or is gone.",
            "It does not make a model of it.",
            "Revert to a release whose package and artefact are as they were.",
        ),
        Cause::Refused => (
            "AWS refused a call for good",
            "Permissions, a quota or the request itself: the same call would be refused again.",
            "It tries again with every sweep, and takes no step after the refused one.",
            "Read AWS's words in the report: they name what is missing.",
        ),
        _ => return None,
    })
}

fn wrong(cause: Cause) -> Texts {
    match cause {
        Cause::CallFailed => (
            "a call failed for a reason that may pass",
            "A call was throttled, was not answered, or failed inside of AWS.",
            "It looks what came of the call, and tries again where it is still needed.",
            "Wait; if it lasts, look at the health of the service and at the account's limits.",
        ),
        Cause::RunFailed => (
            "a run failed",
            "The newest attempt to train what the commit asks for failed for a reason of its own, or too often.",
            "It does not try the same again, until the commit asks for another run or other gates.",
            "Read the reason and the job's log, and commit what mends it.",
        ),
        Cause::UpdateRolledBack => (
            "SageMaker rolled an update back",
            "The endpoint was to be moved to a new configuration, which did not come up; it serves the one before.",
            "It does not try the same again, except up to three times for reasons of the service's.",
            "Revert the release, or mend the cause and raise `attempt` in it.",
        ),
        Cause::Failed => (
            "a resource is broken",
            "AWS says that the resource failed, and gives the reason.",
            "It leaves the resource as it is, until the commit asks for something else.",
            "Read the reason, and commit what mends it.",
        ),
        Cause::Late => (
            "something takes longer than it may",
            "A wait is past its deadline.",
            "It keeps looking and changes nothing about the resource.",
            "Look at the resource in AWS: it may need to be stopped or deleted.",
        ),
        Cause::NotLookedAt => (
            "it was not looked at",
            "Which object is meant depends on something that could not be read.",
            "It changes nothing about the resource until it was seen.",
            "Look at the other findings of the unit: one of them says what could not be read.",
        ),
        // What is left is `Unreadable`: the tests ask for every page.
        _ => (
            "something could not be read",
            "A look at AWS, or at the history of the repository, failed. What is unknown is not absent.",
            "It changes nothing about what it could not see, and looks again.",
            "Read the words of the report: usually a permission is missing, or calls are throttled.",
        ),
    }
}
