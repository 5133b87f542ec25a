//! The rules by which a pass decides, what it remembers, and the tests that hold it to them.
//!
//! | | the rule | shown by |
//! |---|---|---|
//! | 1 | only what the commit declares is compared | `it::properties::compare::what_the_service_makes_of_a_body_is_no_change`, `it::safety::pains::pain_07_what_the_service_adds_or_reorders_is_no_difference`, `it::sim::kinds::every_declared_member_changed_behind_our_back_is_planned` |
//! | 2 | a plan made after a full execution is empty, and so it is after a revert of a revert | `it::sim::kinds::a_plan_after_convergence_is_empty`, `it::sim::reverts::of_a_training_commit`, `it::run::reverts::of_a_release_that_trueup_made` |
//! | 3 | a gap forbids deletion, and deletion is said in two words and confirmed where it is much | `it::sim::removal::a_gap_forbids_every_deletion`, `it::sim::removal::a_commit_that_takes_down_much_is_held_until_it_is_said_twice`, `it::sim::removal::what_is_to_be_absent_goes_whole_and_the_registry_stays`, `it::sim::crash::taken_down`, `it::sim::sweeps::what_a_commit_no_longer_declares_is_orphaned_and_left_alone` |
//! | 4 | one change reaches a part of the fleet at once, and of production before it is confirmed | `lib::execute::turns::few_units_have_a_fixed_room_and_many_a_part_of_them`, `lib::execute::turns::a_change_reaches_a_tenth_of_production_before_it_is_confirmed`, `it::sim::turns::a_commit_that_concerns_every_endpoint_does_not_reach_them_all_at_once` |
//! | 5 | the newest commit wins | `it::safety::pains::pain_02_a_good_commit_does_not_wait_for_bad_ones`, `it::sim::promotions::a_stale_merge_during_a_rollout_is_held_wherever_that_stands` |
//! | 6 | in service is not success | `it::sim::rollout::what_an_alarm_took_back_is_degraded_and_not_tried_again`, `it::sim::seeds::storms_end_as_runs_without` |
//! | 7 | an update keeps what was set meanwhile, and counts under autoscaling are left | `it::sim::rollout::counts_belong_to_the_load_where_it_counts_and_to_git_elsewhere`, `it::sim::rollout::a_target_of_somebody_elses_keeps_its_counts` |
//! | 8 | a rollback goes first, at once, and asks nobody | `it::sim::rollout::a_release_goes_by_canary_and_a_revert_goes_all_at_once`, `it::sim::rollout::an_alarm_that_goes_off_holds_an_update_until_it_is_over`, `it::sim::upstream::a_rollback_of_both_waits_for_nobody` |
//! | 9 | what is to roll has converged and soaked in the environment before | `it::sim::upstream::a_change_of_both_soaks_in_the_first`, `it::sim::upstream::a_change_that_fails_in_the_first_never_reaches_the_second`, `it::sim::upstream::what_is_wanted_in_the_second_alone_waits_for_nobody` |
//! | 10 | what a rollback may need is kept, and what nobody needs is collected | `it::sim::removal::what_nobody_needs_is_collected_and_what_a_rollback_needs_is_kept`, `it::sim::removal::what_somebody_elses_endpoint_uses_is_not_collected`, `it::sim::removal::only_so_much_is_collected_at_a_time` |
//! | 11 | waiting is a state with a name and a deadline | `it::safety::pains::pain_01_a_look_that_is_never_answered_is_named`, `lib::cli::render::why::every_unit_says_what_why_until_when_and_what_to_do` |
//! | 12 | one bad model stops no other | `it::isolation::a_model_that_panics_is_broken_or_never_ends_keeps_no_other_waiting`, `lib::daemon::agenda::models_that_misbehave_delay_no_other_by_a_tenth` |
//! | 13 | what stands on something comes after it, and goes before it | `it::properties::order::steps_stand_on_what_is_there_whatever_is_gone_or_changed`, `it::sim::crash::first_deploy`, `it::sim::crash::taken_down` |
//! | 14 | the minute is an input | `lib::plan::approval::reasons_and_the_minute_do_not_matter`, `it::sim::seeds::the_same_seed_is_the_same_run_on_any_number_of_threads` |
//!
//! What is remembered, and where, stands in ARCHITECTURE.md. Forgotten, it costs an attempt or a wait:
//!
//! | | what is remembered | shown by |
//! |---|---|---|
//! | 21 | that a run was started, and how often | `lib::plan::run::the_newest_attempt_counts`, `lib::plan::run::an_attempt_that_is_too_old_to_be_listed_costs_one_run_and_no_more` |
//! | 22 | that an update was tried and failed | `lib::plan::attempt::an_update_is_tried_again_only_where_that_can_help`, `it::sim::mutants::every_break_is_noticed_by_the_rule_that_it_breaks` |
//! | 23 | since when an endpoint has held what it should | `it::sim::upstream::a_change_of_both_soaks_in_the_first` |
//! | 24 | what must not be used again | `it::sim::promotions::a_quarantined_package_is_not_moved_to` |
//! | 25 | who owns a resource | `lib::resource::owner::a_copied_tag_does_not_make_an_owner`, `it::sim::removal::what_is_not_ours_stays_where_everything_of_ours_goes` |
//! | 26 | what a resource was last seen to hold | `it::sim::drift::what_is_only_to_be_reported_stays_and_is_told`, `it::sim::drift::a_later_wish_is_brought_about_where_drift_is_only_reported` |
//! | 27 | what was put back | `it::sim::drift::what_flaps_is_left_for_a_day_and_told`, `it::sim::drift::a_commit_ends_a_quarantine` |
//! | 28 | the newest commit acted on, and who may write | `it::sim::lease::of_two_daemons_one_changes_things_at_a_time_whatever_happens_to_them`, `it::safety::repositories::attack_14_a_process_that_begins_anew_knows_what_was_acted_on`, `lib::execute::lease::model_tests::never_two_may_write_whatever_happens_to_a_leader` |
