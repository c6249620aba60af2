//! The real binary under `kill -9`, asked to stop, started twice, with an altered journal, without
//! descriptors, with another certificate, and asked for its figures.
//!
//! One run of crashes gathers evidence (`recovery/crashes.rs`) that several tests look at;
//! `RECOVERY_CYCLES` says how many, 20 by default, and `RECOVERY_SEED` chooses other moments. Clients speak the public protocol; the journal is read
//! past the product.

#[path = "support/binary.rs"]
mod binary;
#[path = "recovery/certificates.rs"]
mod certificates;
#[path = "recovery/checks.rs"]
mod checks;
#[path = "recovery/closing.rs"]
mod closing;
#[path = "recovery/company.rs"]
mod company;
#[path = "recovery/crashes.rs"]
mod crashes;
#[path = "recovery/descriptors.rs"]
mod descriptors;
#[path = "recovery/disk.rs"]
mod disk;
#[path = "recovery/first_login.rs"]
mod first_login;
#[path = "recovery/founding.rs"]
mod founding;
#[path = "recovery/journal.rs"]
mod journal;
#[path = "recovery/limits.rs"]
mod limits;
#[path = "recovery/low_disk.rs"]
mod low_disk;
#[path = "recovery/postgres.rs"]
mod postgres;
#[path = "support/postgres.rs"]
mod postgres_server;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "recovery/refusals.rs"]
mod refusals;
#[path = "recovery/returns.rs"]
mod returns;
#[path = "recovery/stopped.rs"]
mod stopped;
#[path = "recovery/tampering.rs"]
mod tampering;
#[path = "recovery/worker.rs"]
mod worker;

use std::sync::LazyLock;
use std::time::Duration;

use crashes::{AGENTS, Evidence, crashes, cycles};

/// The moments of the crashes when nobody asks for others.
const SEED: u64 = 20;
/// Longer than this for each crash means that something hangs.
const CRASH_WITHIN: Duration = Duration::from_secs(12);

static EVIDENCE: LazyLock<Evidence> = LazyLock::new(|| {
    let seed = std::env::var("RECOVERY_SEED").ok().map_or(SEED, |seed| seed.parse().expect("a number"));
    println!("seed {seed}; RECOVERY_SEED={seed} repeats its choices");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(CRASH_WITHIN * cycles() as u32, crashes(seed)).await.expect("the crashes come to an end")
    })
});

#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn promise_d1_every_acknowledged_command_is_in_the_journal_once_after_many_kills() {
    let Evidence { account, journal, kills, wrong_at_once, .. } = &*EVIDENCE;
    assert_none(wrong_at_once);
    assert_none(&checks::lost_or_doubled(&account.acknowledged, journal));
    assert_none(&checks::invented_or_doubled(&account.sent, journal));
    assert!(*kills > cycles(), "{kills} kills");
    assert!(account.acknowledged.len() > cycles() * 30, "{} acknowledged", account.acknowledged.len());
    println!(
        "{kills} kills, {} acknowledged, {} entries checked after every kill, {} sent again, boards compared {} times",
        account.acknowledged.len(),
        journal.len(),
        account.repeats.len(),
        EVIDENCE.convergences,
    );
}

#[test]
fn promise_d3_an_op_sent_again_after_a_crash_has_one_effect_and_one_outcome() {
    let Evidence { account, journal, .. } = &*EVIDENCE;
    assert_none(&account.faults);
    assert_none(&checks::unequal_repeats(&account.repeats));
    assert_none(&checks::lost_or_doubled(&account.acknowledged, journal));
    assert!(account.repeats.len() > cycles() * AGENTS, "{} repeats", account.repeats.len());
    let (done, undone) = (account.found_done, account.found_undone);
    assert!(done + undone > cycles(), "{done} in flight had been carried out, {undone} had not");
    println!("{} repeats; in flight: {done} had been carried out, {undone} had not", account.repeats.len());
}

#[test]
fn promise_d6_the_stored_states_are_the_fold_of_the_journal_after_every_crash() {
    let wrong: Vec<String> =
        EVIDENCE.verified.iter().filter(|ran| ran.code != Some(0)).map(|ran| format!("{ran:?}")).collect();
    assert_none(&wrong);
    assert!(EVIDENCE.verified.len() > cycles());
}

#[test]
fn promise_c1_no_agent_has_two_open_pauses_after_the_crashes() {
    assert_none(&checks::broken_pauses(&EVIDENCE.journal));
}

#[test]
fn promise_c3_numbers_have_no_gap_after_the_crashes() {
    assert_none(&checks::gaps(&EVIDENCE.journal));
}

#[test]
fn promise_c8_coming_back_after_a_crash_alters_neither_status_nor_pause() {
    let returns = &EVIDENCE.account.returns;
    assert_none(&checks::altered_returns(returns));
    assert_eq!(returns.len(), cycles() * AGENTS);
    let in_a_pause = returns.iter().filter(|back| back.before["pause"].is_object()).count();
    assert!(in_a_pause > cycles(), "{in_a_pause} came back in a pause");
}

#[test]
fn promise_v1_boards_equal_the_truth_after_every_restart() {
    let Evidence { astray, violations, contradictions, convergences, .. } = &*EVIDENCE;
    assert_none(astray);
    assert_none(violations);
    assert_none(contradictions);
    assert_eq!(*convergences, 2 * (cycles() + 1));
}
