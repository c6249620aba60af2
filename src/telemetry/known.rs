//! Every figure by its name, with what it says: described in `/metrics`, and there from the start where it is known what
//! its labels can be.

use crate::limits::{KEPT, Kept, Limit, REACHED};

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only goes up.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often values of each size were seen.
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// What a figure's label can be.
#[derive(Debug, Clone, Copy)]
enum Labels {
    /// It has none.
    Plain,
    /// One of these.
    Of(&'static str, &'static [&'static str]),
    /// What comes, of a number that the code or the settings bound; or it has none, and is there where there is something
    /// to say alone.
    Open,
}

use Labels::{Of, Open, Plain};

/// Where somebody is turned away.
const DOORS: &[&str] = &["login", "key", "invitation", "ticket"];
/// What failures are counted by.
const FAILING: &[&str] = &["address", "login", "login_address", "struck_out", "in_vain"];
/// Why a connection is refused.
const FULL: &[&str] = &["server", "address", "struck_out"];
/// Where a panic was caught.
const CAUGHT: &[&str] = &["http", "socket"];

/// All of them but those of `crate::limits`, in the order of their names.
const KNOWN: &[(&str, Kind, Labels, &str)] = &[
    (
        "intervalo_accept_pauses_total",
        Counter,
        Plain,
        "How often no connection could be accepted, for want of descriptors or memory.",
    ),
    ("intervalo_actor_panics_total", Counter, Plain, "Actors that panicked and were made anew from what is durable."),
    (
        "intervalo_agents_overdue",
        Gauge,
        Plain,
        "Agents of whom something fell due while the server was down and is not on record yet.",
    ),
    ("intervalo_agents_provisioned_total", Counter, Plain, "People whom an issuer's credential put into a directory."),
    ("intervalo_batch_events", Histogram, Plain, "Events of one commit of a shard."),
    ("intervalo_certificates_refused_total", Counter, Plain, "Renewed certificates that cannot be used."),
    ("intervalo_clock_ahead_seconds", Gauge, Plain, "How far the wall clock is ahead of the server's time."),
    ("intervalo_clock_steps_total", Counter, Plain, "Steps of the wall clock of more than two seconds."),
    ("intervalo_connections", Gauge, Plain, "Open connections."),
    (
        "intervalo_connections_refused_total",
        Counter,
        Of("why", FULL),
        "Connections and sockets that were one too many.",
    ),
    ("intervalo_credentials", Gauge, Plain, "Keys, accounts, invitations, logins and cuts of all tenants."),
    ("intervalo_credentials_refused_total", Counter, Plain, "Credentials that did not hold."),
    ("intervalo_disk_low", Gauge, Open, "1 while the disk is nearly full."),
    ("intervalo_disk_reserve_bytes", Gauge, Open, "What is kept in reserve on the disk."),
    ("intervalo_disk_room_bytes", Gauge, Open, "Room on the disk."),
    ("intervalo_events_committed_total", Counter, Plain, "Events that became durable."),
    (
        "intervalo_failing_keys",
        Gauge,
        Of("of", FAILING),
        "Addresses, logins and principals with failures that are not forgotten.",
    ),
    ("intervalo_failures_held_up_total", Counter, Of("of", FAILING), "Failures beyond what is taken."),
    ("intervalo_http_responses_total", Counter, Open, "Answers by status."),
    ("intervalo_hub_boards", Gauge, Plain, "Open boards."),
    ("intervalo_hub_conflations_total", Counter, Plain, "Frames that stand for several, for boards that were behind."),
    (
        "intervalo_hub_frames_encoded_total",
        Counter,
        Plain,
        "Frames that were written, each once for all boards of its view.",
    ),
    ("intervalo_hub_repairs_total", Counter, Plain, "Rows that were read from the journal, for something was missed."),
    ("intervalo_hub_snapshots_total", Counter, Plain, "Snapshots that were made."),
    ("intervalo_hub_views", Gauge, Plain, "Different boards."),
    ("intervalo_journal_commits_total", Counter, Plain, "Transactions of the journal."),
    ("intervalo_journal_entries_total", Counter, Plain, "Entries that these wrote."),
    ("intervalo_journal_read_only", Gauge, Plain, "1 once nothing can be written any more."),
    ("intervalo_jwks_read_failures_total", Counter, Open, "Public keys of an issuer that could not be read."),
    ("intervalo_jwks_reads_total", Counter, Open, "Reads of an issuer's public keys."),
    ("intervalo_low_disk_refusals_total", Counter, Plain, "What was refused because the disk is nearly full."),
    ("intervalo_origins_refused_total", Counter, Plain, "Upgrades of foreign pages."),
    (
        "intervalo_overtaken_decisions_total",
        Counter,
        Plain,
        "Starts that somebody else took the slot of; they are decided again.",
    ),
    ("intervalo_panics_total", Counter, Of("where", CAUGHT), "Panics that ended one connection."),
    ("intervalo_rate_limited_total", Counter, Plain, "Calls that came faster than they may."),
    ("intervalo_readings_unrecorded_total", Counter, Plain, "Readings of the history that are counted here alone."),
    ("intervalo_refusals_unrecorded_total", Counter, Plain, "Refused starts that are counted here alone."),
    ("intervalo_requests_total", Counter, Open, "Calls by method and outcome."),
    ("intervalo_shards_lost_total", Counter, Plain, "Shards whose memory was thrown away."),
    (
        "intervalo_slow_sockets_total",
        Counter,
        Plain,
        "Sockets and answers that were cut because nobody took what was sent.",
    ),
    ("intervalo_sockets", Gauge, Plain, "Open WebSockets."),
    ("intervalo_sockets_ended_total", Counter, Open, "WebSockets that ended, by close code."),
    (
        "intervalo_stale_decisions_total",
        Counter,
        Plain,
        "Decisions under what is not in force any more; they are made again.",
    ),
    ("intervalo_tickets", Gauge, Plain, "Tickets that have not ended."),
    ("intervalo_tls_handshakes_failed_total", Counter, Plain, "TLS handshakes that came to nothing."),
    ("intervalo_turned_away_total", Counter, Of("door", DOORS), "Who was kept out, by the door."),
    ("intervalo_upgrades_put_off_total", Counter, Plain, "Sockets that were told to come again."),
];

/// Describes all figures to the recorder, and puts those there that can be, with 0.
pub(super) fn introduce() {
    for (name, kind, labels, says) in KNOWN {
        match kind {
            Counter => metrics::describe_counter!(*name, *says),
            Gauge => metrics::describe_gauge!(*name, *says),
            Histogram => metrics::describe_histogram!(*name, *says),
        }
        match (kind, labels) {
            (Counter, Plain) => metrics::counter!(*name).increment(0),
            (Counter, Of(label, values)) => {
                values.iter().for_each(|value| metrics::counter!(*name, *label => *value).increment(0));
            }
            (Gauge, Plain) => metrics::gauge!(*name).set(0.0),
            (Gauge, Of(label, values)) => {
                values.iter().for_each(|value| metrics::gauge!(*name, *label => *value).set(0.0));
            }
            (Histogram, _) | (_, Open) => {}
        }
    }
    metrics::describe_counter!(REACHED, "How often a cap was reached (docs/limits.md says what happens then).");
    Limit::ALL.iter().for_each(|limit| limit.seen_nothing());
    metrics::describe_gauge!(KEPT, "How many there are of what is kept in memory, counted for this answer.");
    Kept::ALL.iter().for_each(|kept| kept.is(0));
}
