//! What is kept in memory and how often its caps are reached, for `/metrics`; `docs/limits.md` is the register.
//!
//! The caps themselves stand beside what they bound. Here are their names, all of them, so that each is there with 0
//! from the start.

/// An enum whose variants are the values of one label.
macro_rules! named {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind {
            $($(#[$doc])* $variant,)+
        }

        impl $kind {
            /// All of them.
            pub const ALL: &[$kind] = &[$($kind::$variant,)+];

            /// The value of the label.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($kind::$variant => $name,)+
                }
            }
        }
    };
}

/// How often each [`Limit`] was reached.
pub const REACHED: &str = "intervalo_limits_reached_total";
/// How many there are of each [`Kept`].
pub const KEPT: &str = "intervalo_kept";

named! {
    /// A cap that something stated happens at.
    Limit {
        /// Accounts of a tenant.
        Accounts = "accounts",
        /// Sessions of an agent.
        AgentSessions = "agent_sessions",
        /// Boards of a socket.
        Boards = "boards",
        /// Channels of a tenant.
        Channels = "channels",
        /// Steps of the clock that a store out of reach has not taken.
        ClockSteps = "clock_steps",
        /// Subjects of a tenant whose access was cut.
        Cuts = "cuts",
        /// Dry runs at once.
        DryRuns = "dry_runs",
        /// Batches that came to a feed too early.
        EarlyBatches = "early_batches",
        /// Agents who are being woken.
        Errands = "errands",
        /// Keys of failures of one kind.
        FailingKeys = "failing_keys",
        /// Messages of a tenant's feed.
        Feed = "feed",
        /// Imports at once.
        Imports = "imports",
        /// What waits for a shard.
        Intake = "intake",
        /// What waits for the journal's writer.
        JournalQueue = "journal_queue",
        /// Keys of programs of a tenant.
        Keys = "keys",
        /// Logins of an account.
        Logins = "logins",
        /// What waits for an agent.
        Mailbox = "mailbox",
        /// People whom issuers put into a directory in a minute.
        Newcomers = "newcomers",
        /// What a socket is to be told.
        Notices = "notices",
        /// Passwords that wait to be looked at.
        Passwords = "passwords",
        /// People of a tenant, those who left too.
        People = "people",
        /// Ids of people that a writer keeps at hand.
        PeopleAtHand = "people_at_hand",
        /// Sessions of a principal.
        PrincipalSessions = "principal_sessions",
        /// Meters of rates.
        RateMeters = "rate_meters",
        /// Reads of the database at once.
        Readers = "readers",
        /// Integrations that report of an agent.
        Sources = "sources",
        /// Streams of events of a principal.
        Streams = "streams",
        /// Teams of a tenant.
        Teams = "teams",
        /// Heads of tenants that a writer keeps at hand.
        TenantHeadsAtHand = "tenant_heads_at_hand",
        /// Sessions of a tenant.
        TenantSessions = "tenant_sessions",
        /// Texts that a writer keeps at hand.
        TextsAtHand = "texts_at_hand",
        /// Tickets.
        Tickets = "tickets",
        /// Changes of a tenant that wait for their turn.
        Turns = "turns",
        /// Connections too many that are told so.
        TurnedAwayAtOnce = "turned_away_at_once",
        /// Credentials whose failures are told apart.
        TurnedAway = "turned_away",
        /// Invitations that are remembered as used up or void.
        UsedInvitations = "used_invitations",
        /// Different boards of a tenant.
        Views = "views",
    }
}

named! {
    /// What is kept in memory, counted when somebody looks.
    Kept {
        /// Agents with an actor.
        Actors = "actors",
        /// Addresses that sockets come from.
        Addresses = "addresses",
        /// Agents with a state.
        Agents = "agents",
        /// Tenants whose changes take turns.
        ChangingTenants = "changing_tenants",
        /// Channels of all tenants.
        Channels = "channels",
        /// Subjects whose access was cut.
        Cuts = "cuts",
        /// Dry runs.
        DryRuns = "dry_runs",
        /// Imports.
        Imports = "imports",
        /// People whom issuers put into directories in the last minute.
        Newcomers = "newcomers",
        /// Pause types of all tenants, archived ones too.
        PauseTypes = "pause_types",
        /// People of all tenants, those who left too.
        People = "people",
        /// Meters of rates.
        RateMeters = "rate_meters",
        /// Readers of what is on record who are not on record yet.
        Readings = "readings",
        /// Sessions.
        Sessions = "sessions",
        /// Teams of all tenants.
        Teams = "teams",
        /// Tenants.
        Tenants = "tenants",
        /// Who was turned away and is not on record yet.
        TurnedAway = "turned_away",
        /// Invitations that are remembered as used up or void.
        UsedInvitations = "used_invitations",
        /// Agents in waiting lists.
        Waiting = "waiting",
        /// Agents at rest who are to be woken.
        Wakes = "wakes",
    }
}

impl Limit {
    /// Has the counter there before anything was counted.
    pub fn seen_nothing(self) {
        metrics::counter!(REACHED, "limit" => self.as_str()).increment(0);
    }

    /// Counts that it was reached.
    pub fn reached(self) {
        metrics::counter!(REACHED, "limit" => self.as_str()).increment(1);
    }
}

impl Kept {
    /// Says how many there are.
    pub fn is(self, count: usize) {
        metrics::gauge!(KEPT, "what" => self.as_str()).set(count as f64);
    }
}
