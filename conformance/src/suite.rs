//! The list of behaviours, and the macro by which an adapter runs them.

/// Runs every behaviour against an adapter crate, each as a test of its own.
#[macro_export]
macro_rules! suite {
    ($adapter:path) => {
        mod conformance_suite {
            use $adapter as adapter;

            struct Adapter;

            impl $crate::Subject for Adapter {
                fn block_on<F: ::std::future::Future>(future: F) -> F::Output {
                    adapter::block_on(future)
                }

                fn current() -> ::std::result::Result<
                    ::cancelable_core::RuntimeHandle,
                    ::cancelable_core::runtime::NoRuntime,
                > {
                    adapter::current()
                }

                #[track_caller]
                fn scope(name: &'static str) -> ::cancelable_core::scope::ScopeBuilder {
                    adapter::scope(name)
                }

                #[track_caller]
                fn timeout<F: ::std::future::Future>(
                    limit: ::std::time::Duration,
                    future: F,
                ) -> ::cancelable_core::operation::Timeout<F> {
                    adapter::timeout(limit, future)
                }
            }

            $crate::behaviours! { Adapter:
                ambient {
                    r27_current_is_found_in_block_on_in_tasks_and_in_blocking_work
                    r27_current_in_blocking_work_spawns_and_sleeps
                    r27_current_is_found_in_a_look
                    r14_block_on_inside_a_task_runs_in_the_same_runtime
                    r16_block_on_takes_a_future_that_is_neither_send_nor_static
                    r28_block_on_passes_a_panic_on_and_works_again
                    r26_block_on_does_not_wait_for_detached_blocking_work
                    r20_r26_a_thread_that_waits_is_woken_by_the_time_limit_of_its_call
                    r14_a_handle_works_on_a_thread_outside_the_runtime
                    r14_several_runtimes_wait_for_one_token
                }
                entrances {
                    r20_a_scope_of_the_adapter_keeps_its_time_and_is_run_in_one_chain
                    r20_a_scope_of_the_adapter_is_a_part_of_what_runs_and_on_its_runtime
                    r21_a_timeout_says_whose_limit_it_was_and_where_it_was_set
                    r17_a_value_that_is_ready_beats_a_timeout_that_is_due
                    r44_a_timeout_follows_the_clock_of_the_operation_that_runs
                    r14_a_timeout_outside_every_runtime_is_kept_too
                }
            }
            $crate::common! { Adapter }
        }
    };
}

/// The behaviours of every runtime, including a runtime without an adapter.
#[macro_export]
macro_rules! common {
    ($subject:ident) => {
        $crate::behaviours! { $subject:
            spawning {
                r25_joining_gives_the_value_of_a_task_and_of_blocking_work
                r25_dropping_a_join_handle_lets_the_work_run_on
                r25_a_panic_is_a_value_of_joining
                r10_panics_of_detached_work_stop_nobody
                r25_blocking_work_runs_beside_tasks
                r25_a_thousand_tasks_all_end
                r14_a_task_is_joined_on_a_thread_outside_the_runtime
                r24_work_for_a_runtime_that_was_left_is_done_or_lost
            }
            timing {
                r44_the_clock_never_goes_back
                r44_a_sleep_ends_at_its_time_and_not_before
                r44_a_timer_is_made_outside_the_runtime_and_awaited_inside
                r44_a_timer_is_awaited_outside_the_runtime
                r20_a_timer_that_is_moved_earlier_ends_then
                r20_a_timer_that_is_moved_later_does_not_end_before
                r20_a_timer_that_has_ended_is_used_again
                r20_a_moved_timer_wakes_the_task_that_polls_it_now
                r20_a_time_beyond_the_clock_is_never
                r20_a_time_that_is_a_century_away_is_a_time
                r17_a_timeout_prefers_the_value
                r44_a_thousand_timers_all_end
            }
            tokens {
                r14_one_token_is_waited_for_in_every_way_at_once
                r14_no_cancel_is_lost_in_a_race_with_the_wait
                r01_one_of_many_tasks_cancels
                r14_a_wait_with_a_limit_says_which_it_was
                r15_run_until_cancelled_ends_a_task
            }
            scopes {
                r16_a_body_is_polled_in_place
                r16_a_cancelled_body_is_dropped
                r17_a_value_is_kept_when_the_cancel_comes_with_it
                r18_a_body_that_finished_is_completed_with_the_request_on_record
                r19_a_cancelled_scope_says_so_again_and_again
                r27_current_is_the_innermost_scope_across_awaits
                r27_scopes_in_one_task_do_not_see_each_other
                r27_current_is_not_found_by_other_tasks
                r28_every_way_out_closes_the_operation
                r29_a_second_run_is_refused
                r14_a_scope_is_cancelled_from_another_thread
            }
            deadlines {
                r20_a_time_limit_ends_the_body_at_its_time
                r20_a_limit_of_zero_does_not_poll_the_body
                r20_a_limit_beyond_the_clock_is_never
                r20_a_deadline_is_moved_earlier_from_inside
                r20_a_deadline_is_moved_earlier_from_another_task
                r20_a_deadline_is_moved_later
                r20_a_child_does_not_outlast_its_parent
                r21_a_timeout_is_put_down_to_the_scope_whose_it_was
                r21_an_earlier_cancel_is_not_called_a_timeout
                r18_a_deadline_in_the_last_poll_is_on_record
                r46_who_asks_inline_is_told_though_nobody_polls_the_run
            }
            held {
                r47_a_run_that_its_body_holds_and_does_not_poll_suspends_no_limit_above
                r47_a_run_that_another_task_holds_and_does_not_poll_suspends_no_limit_above
                r22_r47_what_is_polled_is_held_up_for
            }
            shields {
                r22_a_shield_finishes_although_its_scope_is_cancelled
                r22_a_shield_holds_up_every_cancelled_scope_above_it
                r22_a_scope_inside_a_shield_runs_although_the_one_around_it_is_cancelled
                r22_a_shield_has_a_deadline_of_its_own
                r22_a_deadline_that_passes_in_a_shield_comes_at_its_end
                r22_a_spawned_child_is_not_shielded_with_its_scope
            }
            grace {
                r23_a_cancelled_body_goes_on_and_its_value_counts
                r23_what_outlasts_it_is_dropped_and_named
                r23_a_child_has_no_more_than_its_scope_leaves
                r23_an_inner_one_has_no_more_than_the_outer_leaves
                r23_a_hard_cancel_ends_it
            }
            finalizers {
                r24_they_run_last_first_after_a_value_an_error_and_a_cancel
                r24_they_run_before_a_panic_goes_on
                r24_those_of_a_dropped_run_are_run_by_the_runtime
                r24_what_a_run_inside_leaves_when_both_are_dropped_comes_before_them
                r25_what_a_run_leaves_that_the_body_drops_is_joined
                r24_one_that_fails_or_panics_stops_no_other
                r24_one_that_is_over_the_budget_is_dropped_and_named
            }
            children {
                r25_a_run_joins_all_children
                r25_a_child_has_the_name_that_it_is_given
                r25_the_first_failure_cancels_the_others
                r25_failures_are_collected_by_choice_and_cancel_nobody
                r25_a_panic_of_a_child_is_a_value
                r25_children_are_cancelled_with_the_scope_and_joined
            }
            bounds {
                r25_no_more_children_run_at_once_than_the_scope_allows
                r25_items_are_mapped_in_order_a_bounded_number_at_once
                r25_something_is_done_for_each_item_a_bounded_number_at_once
            }
            closing {
                r25_who_cancels_and_waits_is_told_when_everything_has_ended
            }
            blocking {
                r26_a_thread_that_waits_is_woken_by_the_cancel_and_joined
                r26_a_thread_that_asks_stops_in_its_loop
                r26_current_is_the_call_in_its_thread
                r26_a_thread_that_does_not_end_is_abandoned_and_that_is_said
                r26_a_panic_of_a_thread_is_a_value
            }
            registries {
                r34_a_snapshot_tells_the_time_of_the_runtime
                r35_children_are_listed_below_their_scope_until_they_end
                r35_one_is_cancelled_by_its_number
                r36_counts_are_exact_and_ids_unique_over_many_tasks
                r37_events_are_read_by_a_task_and_by_a_plain_thread
                r37_a_reader_that_is_late_is_told_how_much_it_missed
                r39_hooks_are_called_on_the_way
            }
            sources {
                r30_a_condition_cancels
                r30_an_async_condition_cancels
                r30_a_blocking_condition_cancels
                r30_a_future_cancels_with_its_cause
                r30_a_token_cancels_with_its_cause
                r30_any_of_and_all_of_nest_limits_too
                r31_a_condition_that_panics_or_fails_is_asked_again
                r31_a_condition_that_never_returns_keeps_nobody
                r31_looks_that_never_return_take_no_others_place
            }
            progress {
                r38_what_tasks_and_threads_do_is_added_up_and_told
                r38_a_rate_comes_from_the_clock_of_the_runtime
                r38_an_interval_bounds_the_calls_and_the_end_is_told
                r38_a_partial_result_outlives_the_body_that_was_cancelled
            }
            streams {
                r41_a_stream_ends_at_the_deadline_and_gives_what_it_had
                r41_a_stream_that_waits_is_ended_from_another_thread
                r41_a_busy_stream_is_ended_by_a_task
                r41_no_item_is_lost_in_a_race_with_the_cancel
                r41_a_chunk_waits_no_longer_than_it_may
                r42_a_complete_result_says_so
            }
            copies {
                r43_a_read_that_waits_fails_at_the_deadline
                r43_a_copy_says_how_far_it_came
            }
            watching {
                r30_a_gauge_at_its_limit_cancels
                r30_the_memory_of_the_process_cancels
                r30_a_file_that_appears_changes_or_disappears_cancels
                r30_gauges_and_files_nest_in_all_of
                r31_a_gauge_that_never_returns_keeps_nobody
            }
        }
    };
}

/// Makes a test for each behaviour, in a module for each noun.
#[macro_export]
macro_rules! behaviours {
    ($subject:ident: $($noun:ident { $($behaviour:ident)* })*) => {
        $(
            mod $noun {
                $(
                    #[test]
                    fn $behaviour() {
                        $crate::$noun::$behaviour::<super::$subject>();
                    }
                )*
            }
        )*
    };
}
