//! Twenty-five ways in which somebody might try, and the tests that they fail.
//!
//! | | the attack | what stops it is shown by |
//! |---|---|---|
//! | 1 | paths that leave their folder | `it::git::trees::a_hostile_tree_is_read_without_harm`, `lib::git::names::names_stay_in_their_folder`, `lib::config::tests::document::every_problem_of_a_file_is_told_once_in_its_place` |
//! | 2 | symbolic links | `it::git::trees::a_hostile_tree_is_read_without_harm`, `lib::git::worktree::links_are_not_followed_and_blobs_are_gits` |
//! | 3 | submodules, filters, hooks, URLs that are options | `it::safety::repositories::attack_03_no_program_that_a_repository_names_is_run`, `it::git::trees::a_hostile_tree_is_read_without_harm`, `lib::git::source::dangerous_and_unknown_urls_are_refused` |
//! | 4 | a repository that is too much | `it::git::trees::a_tree_that_repeats_itself_ends`, `lib::git::snapshot::every_limit_is_kept_and_told`, `lib::git::fetch::no_more_branches_and_bytes_are_taken_than_allowed`, `lib::git::talk::a_silent_host_is_given_up_on_and_let_go_and_delays_no_other` |
//! | 5 | YAML that is too much, or means two things | `lib::config::yaml::limits_hold`, `lib::config::yaml::what_is_outside_of_the_subset_is_refused_in_its_place`, `lib::config::yaml::numbers_that_json_lacks_are_refused_in_their_place`, `lib::config::yaml::the_first_of_two_equal_keys_is_kept`, `it::properties::reading::a_file_after_mishaps_is_read_to_findings_in_their_places` |
//! | 6 | a model that takes the others with it | `it::isolation::a_model_that_panics_is_broken_or_never_ends_keeps_no_other_waiting`, `it::sim::crash::bad_config`, `it::run::broken::a_broken_config_is_told_with_its_place_and_stops_nothing` |
//! | 7 | hooks that nobody signed, that are huge, slow or repeated | `lib::web::who_does_not_know_the_secret_is_not_heard`, `lib::web::a_body_has_a_limit`, `lib::web::headers_have_a_limit_and_a_body_that_is_announced_too_large_is_not_read`, `lib::web::who_says_nothing_makes_room_for_others`, `lib::web::a_connection_ends_whatever_is_sent_over_it`, `it::run::hooks::pain_11_a_flood_of_hooks_costs_nothing_and_a_push_among_them_is_seen` |
//! | 8 | an identity that is missing | `it::aws::no_identity_means_stop`, `it::aws::identity::nothing_is_sent_as_somebody_else_or_as_nobody`, `it::aws::identity::a_role_that_may_not_be_assumed_is_no_reason_to_use_the_chain` |
//! | 9 | reading that runs something | `it::tidy::rooms_down_to_the_world_have_no_input_and_no_output`, `it::safety::repositories::attack_03_no_program_that_a_repository_names_is_run` |
//! | 11 | one model that names what is another's | `lib::config::tests::repository::two_models_never_own_one_endpoint`, `it::aws::identity::an_accounts_role_is_assumed_with_its_external_id_and_a_narrower_policy` |
//! | 12 | tags that were copied | `lib::resource::owner::a_copied_tag_does_not_make_an_owner`, `it::safety::attacks::attack_12_tags_of_ours_on_something_else_do_not_make_it_ours` |
//! | 13 | a commit that nobody signed who may, and a history that was turned back | `it::safety::signed::attack_13_a_commit_that_nobody_signed_who_may_is_not_followed`, `it::safety::signed::attack_13_keys_come_and_go_by_signed_commits_and_old_ones_are_not_replayed`, `it::safety::signed::attack_13_every_commit_is_judged_where_that_is_asked`, `it::safety::signed::attack_13_a_clock_that_was_put_back_makes_no_key_younger`, `it::safety::signed::attack_13_a_process_that_begins_anew_judges_by_what_was_acted_on`, `it::safety::signed_gpg::attack_13_a_commit_that_is_signed_with_gpg_counts_by_a_key_of_the_list`, `it::safety::signed_gpg::attack_13_keys_of_gpg_whose_time_is_over_or_that_were_revoked_do_not_count`, `it::safety::signed_gpg::a_gpgv_that_does_not_say_whether_a_signature_is_good_opens_nothing`, `it::safety::signed::where_nothing_was_acted_on_the_operators_list_counts_and_else_the_commits_own`, `lib::signing::what_was_changed_afterwards_does_not_count`, `it::safety::repositories::attack_14_a_process_that_begins_anew_knows_what_was_acted_on`, `it::git::remotes::a_rewritten_history_is_followed_and_told`, `it::sim::crash::force_push` |
//! | 14 | a server that tells where the branch was | `it::safety::repositories::attack_14_a_server_that_lags_behind_undoes_nothing`, `it::safety::repositories::attack_14_a_process_that_begins_anew_knows_what_was_acted_on` |
//! | 15 | another plan than the one that was approved | `it::approval::a_plan_for_another_commit_is_refused`, `it::approval::nothing_is_done_where_aws_is_not_as_it_was`, `lib::plan::approval::a_plan_is_carried_out_as_it_was_approved_or_not_at_all` |
//! | 16 | other bytes under the same key | `it::safety::attacks::attack_16_other_bytes_under_the_same_key_are_not_served`, `it::sim::kinds::a_release_that_the_registry_does_not_bear_out_makes_no_model` |
//! | 17 | secrets that leak | `it::safety::secrets::attack_17_planted_secrets_appear_nowhere`, `it::safety::secrets::attack_17_what_opens_a_repository_and_signs_commits_appears_nowhere`, `it::run::sources::attack_17_one_token_is_not_shown_to_two_hosts`, `it::run::sources::a_list_that_changes_is_followed_and_each_host_has_its_own_token`, `it::git::remotes::secrets_are_never_shown`, `it::aws::secrets_do_not_show`, `lib::git::source::credentials_leave_the_url_at_once`, `lib::cli::a_source_is_never_repeated_in_a_complaint` |
//! | 18 | words that a terminal acts on | `lib::diagnostic::render::text::places_outside_of_the_text_and_hostile_text_do_no_harm`, `lib::cli::render::plan::a_late_wait_says_how_late_and_hostile_text_does_no_harm`, `lib::git::push::a_server_s_words_are_bounded_and_harmless`, `it::properties::reading::a_file_after_mishaps_is_read_to_findings_in_their_places` |
//! | 19 | a store that is torn | `it::run::faults::machine::a_store_that_is_damaged`, `it::local::killed::what_was_answered_is_there_after_a_kill_at_the_next_moment`, `it::git::mirrors::a_damaged_mirror_is_fetched_anew`, `lib::local::state::only_whole_snapshots_of_this_format_are_read` |
//! | 20 | storms of commits | `it::run::bots::fifty_commits_of_bots_train_nothing`, `it::safety::repositories::pain_10_one_commit_of_thousands_of_models_wakes_one` |
//! | 21 | commits of trueup's own that set it off again, and its key in other hands | `it::safety::signed::attack_21_a_program_may_write_what_trueup_writes_and_nothing_else`, `it::safety::signed_gpg::attack_21_a_host_may_merge_what_people_signed_and_nothing_else`, `it::safety::signed::attack_21_what_it_commits_itself_is_signed_or_not_made`, `it::sim::reverts::fifty_commits_of_trueups_own_kind_do_not_train`, `it::git::writes::a_write_that_makes_no_sense_is_refused`, `it::git::writes::a_checked_out_branch_is_written_only_where_its_owner_says_so` |
//! | 23 | a server that is not the one | `it::git::remotes::credentials_do_not_follow_a_redirect_to_another_server`, `lib::git::source::credentials_are_for_one_origin`, `lib::git::known_hosts::a_key_is_known_changed_revoked_or_unknown` |
//! | 24 | a clock that is wrong | `it::sim::seeds::storms_end_as_runs_without`, `it::sim::lease::of_two_daemons_one_changes_things_at_a_time_whatever_happens_to_them`, `lib::reconcile::lease::gate::whichever_clock_is_later_ends_it` |
//! | 25 | a door that nobody knows of | `it::run::kill::a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing`, `lib::local::http::only_loopback_names_are_answered` |

use serde_json::json;
use trueup::config::read_release;
use trueup::execute::pass::Mode;
use trueup::plan::report::State;
use trueup::resource::call::{Call, s3_parts};
use trueup::resource::kind::Naming;

use crate::sim::kinds::settled_full;
use crate::sim::present::present;
use crate::sim::repository::path;
use crate::sim::stage::{Stage, scope};
use crate::sim::weather::Calm;
use crate::sim::workload::{Deed, FIRST_AUC};

#[test]
fn attack_12_tags_of_ours_on_something_else_do_not_make_it_ours() {
    let stage = settled_full();
    let prepared = present(&stage.forge, &stage.tip());
    let units = &prepared.models[0].prepared.desired;
    let mut tried = 0;
    for (unit, resource) in units
        .iter()
        .flat_map(|unit| unit.resources.iter().map(move |resource| (unit, resource)))
    {
        let kind = resource.kind;
        let (Some(arn), Naming::Mutable) = (kind.arn, kind.naming) else {
            continue;
        };
        let name = &resource.stem;
        let mut stage = stage.clone();
        let Some((body, _)) = stage.world.peek(&scope(), kind.ops.describe, name) else {
            continue;
        };
        let arn = body[arn].as_str().unwrap_or_default().to_owned();
        if arn.split(':').nth(2) != Some("sagemaker") {
            continue;
        }
        // It has our owner's tag, as a copy would, and says that it is something else.
        let tags = json!([
            {"Key": "trueup:owner", "Value": unit.owner},
            {"Key": "trueup:self", "Value": format!("{name}-copied-from")},
            {"Key": "team", "Value": "another"},
        ]);
        stage.console("AddTags", json!({"ResourceArn": arn, "Tags": tags}));
        let pass = stage.pass(Mode::Apply, &mut Calm);
        let (found, tags) = stage.world.peek(&scope(), kind.ops.describe, name).unwrap();
        let tags = tags.unwrap();
        assert!(
            !found.is_null() && tags["team"] == "another",
            "{name}: {tags:?}"
        );
        let notes = pass.units.iter().flat_map(|unit| &unit.report.notes);
        let told = notes.filter(|note| note.state == State::Blocked);
        let told = told.filter(|note| note.subject.contains(name)).count();
        assert!(told > 0, "{} {name} is not ours", kind.name);
        tried += 1;
    }
    assert!(tried >= 5, "only {tried}");
}

#[test]
fn attack_16_other_bytes_under_the_same_key_are_not_served() {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch], &mut Calm);
    let release = stage.forge.text(&path("releases/staging.yaml")).unwrap();
    let release = read_release(release.as_bytes()).unwrap();
    let (bucket, key) = s3_parts(&release.main().unwrap().model_data.uri).unwrap();
    let request = json!({"Bucket": bucket, "Key": key});
    let mut swap = Call::new("PutObject", &scope(), request);
    swap.blob = Some(b"somebody else's model".as_slice().into());
    stage.world.call(stage.now, &swap).unwrap();

    let made = stage.made("CreateModel");
    let branch = stage.forge.promotion("churn").unwrap();
    stage.forge.merge(&branch);
    for _ in 0..10 {
        let pass = stage.pass(Mode::Apply, &mut Calm);
        let production = pass.units.last().unwrap();
        assert_eq!(
            production.state(),
            State::Blocked,
            "{:#?}",
            production.report
        );
        stage.tick();
    }
    assert_eq!(stage.made("CreateModel"), made);
    let endpoint = json!({"EndpointName": "churn-production"});
    assert_eq!(stage.describe("DescribeEndpoint", endpoint), None);
}
