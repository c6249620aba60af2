//! The policy of a tenant: its kinds of pause and their rules, as versioned data (semantics §3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::entitlement::EntitlementRule;
use super::id::{PauseTypeCode, PolicyVersion, TeamId};
use super::overrides::RuleOverride;
use super::schedule::Window;
use super::time::{Timestamp, hours, minutes, seconds};

/// A pause ended sooner than this is a misclick, unless the type says otherwise (semantics §3).
pub const REFUND_UNDER: Duration = seconds(30);
/// How long after the limit an overrun is recorded, unless the type says otherwise (semantics §3).
pub const GRACE: Duration = seconds(60);
/// When the agent is warned before the limit, unless the type says otherwise (semantics §3).
pub const WARN_BEFORE: Duration = seconds(60);
/// When supervisors are told after an overrun, unless the type says otherwise (semantics §3).
pub const ESCALATE_AFTER: Duration = seconds(120);
/// The longest limit that can be set (semantics §3).
pub const LIMIT_MAX: Duration = hours(24);

/// How early before a window one may join its waiting list, unless the type says otherwise (semantics §3).
pub const QUEUE_OPENS_BEFORE: Duration = minutes(15);
/// The longest cooldown that can be set: nothing that ended longer ago is looked at.
pub const COOLDOWN_MAX: Duration = hours(24);

/// One published version of a tenant's pause types.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The number of this version; 0 only for [`Policy::empty`].
    pub version: PolicyVersion,
    /// Every type ever defined, archived ones too, by code.
    pub types: BTreeMap<PauseTypeCode, Arc<PauseType>>,
}

impl Policy {
    /// The policy of a tenant that has published none: no types.
    pub fn empty() -> Policy {
        Policy { version: PolicyVersion(0), types: BTreeMap::new() }
    }
}

/// Texts by locale (BCP 47 tag), for example `pt-BR` → `Almoço`.
pub type Translations = BTreeMap<String, String>;

/// A kind of pause.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseType {
    /// The stable code that clients and history use.
    pub code: PauseTypeCode,
    /// What people call it, by locale.
    pub name: Translations,
    /// What it is for, by locale.
    pub description: Translations,
    /// The name of an icon, for pages.
    pub icon: Option<String>,
    /// A colour (`#rrggbb`), for pages; a protected type has none.
    pub color: Option<String>,
    /// The place in the menu, ascending; ties go by code.
    pub position: i32,
    /// False: it stays in the menu's data but cannot be started.
    pub enabled: bool,
    /// Since when it has left the menu; a running pause of it finishes.
    pub archived_at: Option<Timestamp>,
    /// The teams that it is offered to; `None` means all.
    pub teams: Option<BTreeSet<TeamId>>,
    /// Its class, with the rules that the class may have.
    pub kind: PauseKind,
}

/// The class of a pause type. Only some classes have rules: a protected type carries none,
/// so none can be set, stored or enforced.
#[derive(Debug, Clone, PartialEq)]
pub enum PauseKind {
    /// An ordinary pause.
    Regular(PauseRules),
    /// A pause that the employer owes.
    Entitlement(PauseRules),
    /// Restroom, recovery after abuse: starts at once, always, and is shown to nobody else.
    Protected,
}

/// The class alone, without rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseClass {
    /// An ordinary pause.
    Regular,
    /// A pause that the employer owes.
    Entitlement,
    /// A pause that cannot be refused, limited or shown per person.
    Protected,
}

impl PauseKind {
    /// The class alone.
    pub fn class(&self) -> PauseClass {
        match self {
            PauseKind::Regular(_) => PauseClass::Regular,
            PauseKind::Entitlement(_) => PauseClass::Entitlement,
            PauseKind::Protected => PauseClass::Protected,
        }
    }

    /// The rules, where the class has any.
    pub fn rules(&self) -> Option<&PauseRules> {
        match self {
            PauseKind::Regular(rules) | PauseKind::Entitlement(rules) => Some(rules),
            PauseKind::Protected => None,
        }
    }
}

impl PauseClass {
    /// The stable word for protocol, store and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            PauseClass::Regular => "regular",
            PauseClass::Entitlement => "entitlement",
            PauseClass::Protected => "protected",
        }
    }
}

/// The rules that a regular pause or an entitlement may have.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseRules {
    /// For reports only: is it paid.
    pub paid: bool,
    /// For reports only: does it count as work.
    pub counts_as_work: bool,
    /// The shortest time; none means that it may end at once.
    pub min_duration: Option<Duration>,
    /// What an end before `min_duration` means.
    pub on_early_end: OnEarlyEnd,
    /// Ended sooner than this, it was a misclick.
    pub refund_under: Duration,
    /// The longest time, 1 s to [`LIMIT_MAX`]; none means unlimited.
    pub limit: Option<Duration>,
    /// How long before the limit the agent is warned; each shorter than `limit`.
    pub warn_before: BTreeSet<Duration>,
    /// How long after the limit the overrun is recorded and `on_limit` acts.
    pub grace: Duration,
    /// What happens at limit + grace.
    pub on_limit: OnLimit,
    /// How long after the overrun supervisors are told, each once.
    pub escalate_after: BTreeSet<Duration>,
    /// When it may be started, local time; empty means always.
    pub windows: Vec<Window>,
    /// How early before a window opens one may join the waiting list, where there is one.
    pub queue_opens_before: Duration,
    /// For how long after the beginning of the shift it may not be started.
    pub not_in_first: Duration,
    /// For how long before the end of the shift it may not run: its minimum, else its limit, must be over before.
    pub not_in_last: Duration,
    /// How often in a shift; none means any number.
    pub quota_count: Option<u32>,
    /// For how long in a shift, all together; none means any time.
    pub quota_time: Option<Duration>,
    /// How long after the last pause of this type, at most [`COOLDOWN_MAX`].
    pub cooldown: Duration,
    /// How long after the last pause of whichever type, at most [`COOLDOWN_MAX`].
    pub cooldown_any: Duration,
    /// How many of a team may be on it at once; a team that is not named has no cap.
    pub cap: BTreeMap<TeamId, Cap>,
    /// What becomes of who asks while a team is full.
    pub when_full: WhenFull,
    /// Whether somebody has to agree to each pause; none means nobody.
    pub approval: Option<Approval>,
    /// What becomes of who asks while work is open that has to end first.
    pub when_occupied: WhenOccupied,
    /// Who may start it.
    pub startable_by: StartableBy,
    /// In which shifts the employer owes it, by id; only of an entitlement.
    pub owed: Vec<EntitlementRule>,
    /// Other rules for some; those of [`RuleOverride::values`] have none.
    pub overrides: Vec<RuleOverride>,
}

impl Default for PauseRules {
    /// The defaults of semantics §3. `warn_before` holds the default warning; whoever sets a limit
    /// at or under it must drop it.
    fn default() -> PauseRules {
        PauseRules {
            paid: false,
            counts_as_work: false,
            min_duration: None,
            on_early_end: OnEarlyEnd::Record,
            refund_under: REFUND_UNDER,
            limit: None,
            warn_before: BTreeSet::from([WARN_BEFORE]),
            grace: GRACE,
            on_limit: OnLimit::Mark,
            escalate_after: BTreeSet::from([ESCALATE_AFTER]),
            windows: Vec::new(),
            queue_opens_before: QUEUE_OPENS_BEFORE,
            not_in_first: Duration::ZERO,
            not_in_last: Duration::ZERO,
            quota_count: None,
            quota_time: None,
            cooldown: Duration::ZERO,
            cooldown_any: Duration::ZERO,
            cap: BTreeMap::new(),
            when_full: WhenFull::Queue,
            approval: None,
            when_occupied: WhenOccupied::Defer,
            startable_by: StartableBy::Both,
            owed: Vec::new(),
            overrides: Vec::new(),
        }
    }
}

/// How many of a team may be on pauses of a type at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// So many.
    AtMost(u32),
    /// So many in a hundred of those who are connected, rounded down, but one at least.
    Percent(u8),
    /// As many as leave so many available.
    KeepAvailable(u32),
}

/// What becomes of who asks while a team is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// They are refused.
    Refuse,
    /// They wait in line, and are offered a slot when it is their turn.
    Queue,
}

/// How long a request for approval is open, unless the type says otherwise (semantics §3).
pub const APPROVAL_TIMEOUT: Duration = minutes(10);

/// A supervisor has to agree to each pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// How long they have for it.
    pub timeout: Duration,
    /// What becomes of the request then.
    pub at_timeout: AtTimeout,
}

/// What becomes of a request on which nobody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtTimeout {
    /// It is refused.
    Refuse,
    /// It is granted.
    Grant,
}

/// What becomes of who asks while work is open that has to end first (`blocks_pause` of a channel, and wrap-up).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenOccupied {
    /// The pause begins when the work has ended.
    Defer,
    /// It begins at once.
    Immediate,
    /// It is refused.
    Refuse,
}

/// What an end before the minimum means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEarlyEnd {
    /// It ends, and is marked `short`.
    Record,
    /// It is refused until the minimum has passed.
    Hold,
}

/// What happens at limit + grace, after the overrun is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLimit {
    /// Nothing more than the mark.
    Mark,
    /// The pause ends; the agent becomes unavailable.
    EndUnavailable,
    /// The pause ends; the agent becomes available if a session answered a ping after the limit,
    /// else unavailable. Never on an entitlement.
    EndAvailable,
    /// The pause ends and the agent is signed out.
    SignOut,
}

/// Who may start a pause of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartableBy {
    /// Only the agent.
    Agent,
    /// Only a supervisor (administrators and integrations acting on behalf count as one).
    Supervisor,
    /// Both.
    Both,
}
