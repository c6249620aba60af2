//! Defects that are planted to see that they are found.

/// What is made wrong, one for each promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// D2: the disk answers before it syncs.
    AnswersBeforeSync,
    /// D3: ops are forgotten when the server stops.
    OpsForgotten,
    /// D4: a failed append is answered as done.
    FailureHidden,
    /// D5: an append is answered before it is made.
    AnswersBeforeWrite,
    /// D6: a stored state is handed out as it was one event before.
    StateBehind,
    /// Semantics §4: what pauses have used up is forgotten when the server stops.
    UsageForgotten,
    /// Semantics §4: a server that starts takes no work for an obstacle.
    WorkIgnored,
    /// Semantics §2: a server that starts knows of no declared shifts.
    ShiftsForgotten,
    /// Semantics §5: what carries out the plans for the policy has a clock that runs ahead.
    PublishesEarly,
    /// Semantics §5: what carries out the plans for the policy sees nobody on a pause.
    LoosensNobody,
    /// Semantics §5: a server that starts knows of no plans for the policy.
    PlansForgotten,
    /// Semantics §8: whoever corrects a pause is shown the end that was recorded first.
    CorrectionsUnseen,
    /// C6: a server that starts knows of no caps.
    CapsForgotten,
    /// C7: the bus carries a row that is not the one of the journal.
    RowAltered,
    /// C8: the server is not told that a socket is gone.
    SocketForgotten,
    /// V1: the bus is cut for good.
    BusCut,
    /// V2: what the bus lost is papered over.
    GapHidden,
    /// V3: heads are not told, so a silent gap is not noticed.
    HeadsLost,
    /// V4: what a board's table begins with is older than its number says.
    SeedBehind,
    /// T1: boards are shown what is overdue before it is written.
    ShownUnsettled,
    /// T1: the server's clock wakes late.
    WakesLate,
    /// T2: the server's clock runs ahead.
    ClockAhead,
}
